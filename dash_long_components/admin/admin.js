(() => {
    /** The ids of grids that wait for an answer. */
    const waiting = new Set();
    /** The number of the last request, by the id of the grid. */
    const turns = new Map();
    /** The rows of the last answer, by the id of the grid. */
    const shown = new Map();
    /** The first look of a page, which begins before its grid can ask for it. */
    const ahead = new Map();
    /** What a change has to send back, by manager. */
    const keys = new Map();
    /** The ids of grids whose last click has no answer yet. */
    const acting = new Set();
    /** What becomes of a click on each button: the body of its request. */
    const CHANGES = {
        cancel: (jobs) => ({ cancel: jobs.map(({ id }) => id) }),
        retry: (jobs) => ({ retry: jobs.map(({ id }) => id) }),
        pause: (_jobs, tasks) => ({ pause: tasks.map(({ task }) => task) }),
        resume: (_jobs, tasks) => ({ resume: tasks.map(({ task }) => task) }),
        drain: () => ({ drain: 300 }),
        undrain: () => ({ drain: 0 }),
    };
    const LIVE = ['queued', 'running'];
    const FINE = [...LIVE, 'succeeded'];

    class Refused extends Error {}

    /** Send a request to the endpoint, as Dash sends its own. */
    async function ask(body) {
        const config = JSON.parse(
            document.getElementById('_dash-config').textContent,
        );
        const prefix =
            config.requests_pathname_prefix ?? config.url_base_pathname ?? '/';
        const cookie = document.cookie.match(/(?:^|; )_csrf_token=([^;]*)/);
        const response = await fetch(`${prefix}_dash-long-jobs/admin`, {
            credentials: 'same-origin',
            method: 'POST',
            redirect: 'manual',
            ...config.fetch,
            headers: {
                Accept: 'application/json',
                'Content-Type': 'application/json',
                ...(cookie && { 'X-CSRFToken': cookie[1] }),
                ...config.fetch?.headers,
            },
            body: JSON.stringify(body),
        });
        // A login page that the app redirects to has no status here.
        if ([0, 401, 403, 404].includes(response.status)) {
            throw new Refused();
        }
        if (!response.ok) {
            throw new Error((await response.text()).trim().slice(0, 200));
        }
        return response.json();
    }

    /** Write seconds in the two largest units, or as "" if there are none. */
    function span(seconds, { locale }) {
        if (seconds === null || seconds === undefined) {
            return '';
        }
        const whole = seconds < 10 ? seconds : Math.round(seconds);
        const units = [
            ['day', Math.floor(whole / 86400)],
            ['hour', Math.floor(whole / 3600) % 24],
            ['minute', Math.floor(whole / 60) % 60],
            ['second', whole % 60],
        ];
        const first = units.findIndex(([, count]) => count >= 1);
        return units
            .slice(first < 0 ? 3 : first)
            .slice(0, 2)
            .filter(([, count], at) => count > 0 || at === 0)
            .map(([unit, count]) =>
                new Intl.NumberFormat(locale, {
                    style: 'unit',
                    unit,
                    unitDisplay: 'narrow',
                    maximumFractionDigits: 1,
                }).format(count),
            )
            .join(' ');
    }

    const text = (value) =>
        value === null || typeof value === 'string'
            ? (value ?? '')
            : JSON.stringify(value);

    function drawnJob(job, words) {
        const share =
            job.progress !== null && LIVE.includes(job.status)
                ? ` ${new Intl.NumberFormat(words.locale, { style: 'percent' }).format(job.progress)}`
                : '';
        return {
            ...job,
            shown_status: words[job.status] + share,
            name: job.title ? `${job.title} (${job.task})` : job.task,
            shown_user: text(job.user),
            shown_age: span(job.age, words),
            shown_ran: span(job.ran, words),
        };
    }

    const drawnTask = (task, words) => ({
        ...task,
        shown_usual: [task.is_paused && words.paused, span(task.usual, words)]
            .filter(Boolean)
            .join(', '),
    });

    const drawnProcess = (process, words) => ({
        ...process,
        key: `${process.role} ${process.name} ${process.job}`,
        shown_role: words[process.role] ?? process.role,
        shown_state: words[process.state] ?? process.state,
        shown_ran: span(process.ran, words),
    });

    function facts({ health, drained }, words) {
        const say = (name, seconds) =>
            words[name].replace('{time}', span(seconds, words));
        return [
            health.problem,
            drained > 0 && say('drained', drained),
            health.oldest_wait !== null && say('waits', health.oldest_wait),
        ]
            .filter(Boolean)
            .join(' ');
    }

    /** Ask for the page of jobs that the grid shows, and for all the rest. */
    async function look(
        request,
        manager,
        statuses,
        task,
        user,
        words,
        id,
    ) {
        const { no_update } = window.dash_clientside;
        const name = JSON.stringify(id);
        const none = Array(11).fill(no_update);
        if (!request) {
            return none;
        }
        const { startRow, endRow, sortModel } = request;
        const [sorted] = sortModel ?? [];
        // The youngest was created last.
        const order = sorted && [
            sorted.colId === 'age' ? 'created' : sorted.colId,
            (sorted.sort === 'desc') !== (sorted.colId === 'age'),
        ];
        const turn = (turns.get(name) ?? 0) + 1;
        turns.set(name, turn);
        waiting.add(name);
        try {
            const body = {
                manager,
                look: {
                    start: startRow,
                    count: endRow - startRow,
                    order,
                    status: statuses,
                    task,
                    user,
                },
            };
            const early = ahead.get(name);
            ahead.delete(name);
            const answer = await (early?.text === JSON.stringify(body)
                ? early.answer
                : ask(body));
            if (turns.get(name) !== turn) {
                return none; // the grid has asked for other jobs since
            }
            keys.set(answer.manager, answer.key);
            keys.set(undefined, answer.key);
            const rows = {
                rowData: answer.rows.map((job) => ({
                    ...drawnJob(job, words),
                    keeps: answer.keeps_calls,
                })),
                rowCount: answer.count,
            };
            shown.set(name, rows);
            const { managers } = answer;
            return [
                rows,
                answer.tasks.map((each) => drawnTask(each, words)),
                answer.workers.map((each) => drawnProcess(each, words)),
                Object.entries(answer.queues)
                    .map(([queue, count]) => `${queue}: ${count}`)
                    .join(' · '),
                managers.length > 1 ? managers : [],
                Object.entries(answer.statuses).map(([value, count]) => ({
                    value,
                    label: `${words[value]} ${count.toLocaleString(words.locale)}`,
                })),
                answer.tasks.map((each) => each.task),
                facts(answer, words),
                '',
                answer.drained === 0,
                false,
            ];
        } catch (error) {
            if (turns.get(name) !== turn) {
                return none;
            }
            // A grid that gets no answer asks for nothing more.
            none[0] = (!(error instanceof Refused) && shown.get(name)) || {
                rowData: [],
                rowCount: 0,
            };
            none[8] = reason(error, words);
            // No look would find more, until the user logs in and loads the page.
            none[10] = error instanceof Refused;
            return none;
        } finally {
            if (turns.get(name) === turn) {
                waiting.delete(name);
            }
        }
    }

    function reason(error, words) {
        if (error instanceof Refused) {
            return words.refused;
        }
        return error instanceof TypeError ? words.unreachable : error.message;
    }

    /** Do what a button says, and look again. No click counts meanwhile. */
    async function act(...args) {
        const [, , , , , , jobs, tasks, manager, , , , words, id] = args;
        const { callback_context: context, set_props } = window.dash_clientside;
        const [{ prop_id }] = context.triggered;
        const { part } = JSON.parse(
            prop_id.slice(0, prop_id.lastIndexOf('.')),
        );
        const name = JSON.stringify(id);
        if (acting.has(name)) {
            return window.dash_clientside.no_update;
        }
        acting.add(name);
        for (const each of Object.keys(CHANGES)) {
            set_props({ ...id, part: each }, { disabled: true });
        }
        try {
            const { changed, asked } = await ask({
                manager,
                key: keys.get(manager ?? undefined),
                ...CHANGES[part](jobs ?? [], tasks ?? []),
            });
            return changed < asked ? counted(changed, asked, words) : '';
        } catch (error) {
            return reason(error, words);
        } finally {
            acting.delete(name);
            set_props({ ...id, part: 'drain' }, { disabled: false });
            // The answer enables the other buttons.
            window.dash_ag_grid.getApi(id)?.refreshInfiniteCache();
        }
    }

    const counted = (changed, asked, words) =>
        words.changed
            .replace('{changed}', changed.toLocaleString(words.locale))
            .replace('{asked}', asked.toLocaleString(words.locale));

    /** Enable the buttons for what the selected rows are now. */
    function enable(selected, tasks, _rows, id) {
        if (acting.has(JSON.stringify(id))) {
            return Array(4).fill(true);
        }
        // The grid goes on to name a job as it was when it was selected.
        const rows = shown.get(JSON.stringify(id))?.rowData ?? [];
        const jobs = selected?.map(
            (job) => rows.find((row) => row.id === job.id) ?? job,
        );
        return [
            !jobs?.some(({ status }) => LIVE.includes(status)),
            !jobs?.some((job) => job.keeps && !FINE.includes(job.status)),
            !tasks?.some((task) => !task.is_paused),
            !tasks?.some((task) => task.is_paused),
        ];
    }

    /** Begin the first look, while the script of the grid is loaded. */
    function lookAhead(manager, status, task, user, { cacheBlockSize }, id) {
        const look = { start: 0, count: cacheBlockSize, status, task, user };
        const body = { manager, look };
        const answer = ask(body);
        answer.catch(() => undefined); // whoever takes it learns of its failure
        ahead.set(JSON.stringify(id), { text: JSON.stringify(body), answer });
    }

    /** Look again, or from the first page on after another choice of jobs. */
    function tick(_count, ...args) {
        const { callback_context: context, no_update } = window.dash_clientside;
        if (context.triggered.length === 0) {
            lookAhead(...args);
            return no_update;
        }
        const id = args.at(-1);
        const api = window.dash_ag_grid?.getApi(id);
        const isTick = context.triggered.some(({ prop_id }) =>
            prop_id.endsWith('.n_intervals'),
        );
        if (!api || (isTick && waiting.has(JSON.stringify(id)))) {
            return no_update;
        }
        if (!isTick) {
            api.deselectAll();
            api.paginationGoToFirstPage();
            api.purgeInfiniteCache();
        } else if (!document.hidden) {
            api.refreshInfiniteCache();
        }
        return no_update;
    }

    Object.assign(window.dash_clientside, {
        long_job_admin: { look, act, enable },
    });
    return tick;
})()
