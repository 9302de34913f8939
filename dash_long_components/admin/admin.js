(() => {
    /** The ids of grids that wait for an answer. */
    const waiting = new Set();
    /** The number of the last request, by the id of the grid. */
    const turns = new Map();
    /** The rows of the last answer, by the id of the grid. */
    const shown = new Map();
    /** The last request of a grid, by its id. */
    const asked = new Map();
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
        pause: (tasks) => ({ pause: tasks.map(({ task }) => task) }),
        resume: (tasks) => ({ resume: tasks.map(({ task }) => task) }),
        drain: () => ({ drain: 300 }),
        undrain: () => ({ drain: 0 }),
    };
    /** Milliseconds until a look fails. The server gives its job store less. */
    const LOOK_TIMEOUT = 20_000;
    /** The same of a change, which may be one of many jobs. */
    const CHANGE_TIMEOUT = 60_000;
    const LIVE = ['queued', 'running'];
    const FINE = [...LIVE, 'succeeded'];

    class Refused extends Error {}

    /** Send a request to the endpoint, as Dash sends its own. */
    async function ask(body, timeout = LOOK_TIMEOUT) {
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
            signal: AbortSignal.timeout(timeout),
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

    /** Return a grid; undefined if its page does not have it any more, or yet. */
    function gridOf(id) {
        try {
            return window.dash_ag_grid?.getApi(id);
        } catch {
            return undefined;
        }
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

    /** Wait until the browser has painted, or would have if the tab were shown. */
    const painted = () =>
        new Promise((done) => {
            requestAnimationFrame(() => setTimeout(done));
            setTimeout(done, 200);
        });

    /** Ask for the page of jobs that the grid shows, and for all the rest. */
    async function look(
        request,
        table,
        grids,
        manager,
        status,
        task,
        user,
        words,
        id,
    ) {
        const { no_update, set_props } = window.dash_clientside;
        if (!request) {
            return no_update;
        }
        const name = JSON.stringify(id);
        const set = (part, props) => set_props({ ...id, part }, props);
        const turn = (turns.get(name) ?? 0) + 1;
        const isLate = () => turns.get(name) !== turn; // the grid has asked again
        turns.set(name, turn);
        asked.set(name, request);
        waiting.add(name);
        try {
            const look = { ...range(request), status, task, user };
            const answer = await firstOr(name, { manager, look });
            if (isLate()) {
                return no_update;
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
            if (!request.isOwn) {
                set('jobs', { getRowsResponse: rows });
            } else if (answer.count > 0) {
                gridOf(id)?.purgeInfiniteCache();
            }
            await painted();
            if (!isLate()) {
                showHead(set, answer, words);
                showTables(set, answer, words, table ? null : grids);
            }
        } catch (error) {
            if (isLate()) {
                return no_update;
            }
            if (error instanceof Refused) {
                hideAll(set, name, id, Boolean(table));
            }
            // A grid that gets no answer, or the same object, asks for nothing more.
            const none = { rowData: [], rowCount: 0 };
            set('jobs', { getRowsResponse: { ...(shown.get(name) ?? none) } });
            set('notice', { children: reason(error, words) });
        } finally {
            if (!isLate()) {
                waiting.delete(name);
            }
        }
        return no_update;
    }

    /** Return which jobs a grid asks for, and in which order. */
    function range({ startRow, endRow, sortModel }) {
        const [sorted] = sortModel ?? [];
        // The youngest was created last.
        const order = sorted && [
            sorted.colId === 'age' ? 'created' : sorted.colId,
            (sorted.sort === 'desc') !== (sorted.colId === 'age'),
        ];
        return { start: startRow, count: endRow - startRow, order };
    }

    /** Return the answer to the first look, if it has asked for the same; or ask. */
    function firstOr(name, body) {
        const first = ahead.get(name);
        ahead.delete(name);
        return first?.text === JSON.stringify(body) ? first.answer : ask(body);
    }

    function showHead(set, answer, words) {
        const { managers, statuses, tasks } = answer;
        set('manager', { options: managers.length > 1 ? managers : [] });
        set('statuses', {
            options: Object.entries(statuses).map(([value, count]) => ({
                value,
                label: `${words[value]} ${count.toLocaleString(words.locale)}`,
            })),
        });
        set('task', { options: tasks.map((each) => each.task) });
        set('facts', { children: facts(answer, words) });
        set('notice', { children: '' });
        set('undrain', { disabled: answer.drained === 0 });
        set('tick', { disabled: false });
    }

    /**
     * Show the tasks and the processes.
     *
     * The first answer adds their tables to the page: the jobs need not wait for them.
     */
    function showTables(set, answer, words, grids) {
        const tables = {
            tasks: answer.tasks.map((each) => drawnTask(each, words)),
            processes: answer.workers.map((each) => drawnProcess(each, words)),
        };
        for (const [name, rowData] of Object.entries(tables)) {
            if (grids) {
                const { [name]: grid } = grids;
                const children = { ...grid, props: { ...grid.props, rowData } };
                set(`${name}-table`, { children });
            } else {
                set(name, { rowData });
            }
        }
        set('queues', {
            children: Object.entries(answer.queues)
                .map(([queue, count]) => `${queue}: ${count}`)
                .join(' · '),
        });
    }

    /** Show nothing of the last answer to someone who is no operator any more. */
    function hideAll(set, name, id, hasTables) {
        shown.delete(name);
        gridOf(id)?.deselectAll();
        set('facts', { children: '' });
        set('queues', { children: '' });
        set('statuses', { options: [] });
        set('task', { options: [] });
        for (const table of hasTables ? ['tasks', 'processes'] : []) {
            set(table, { rowData: [], selectedRows: [] });
        }
        // No look would find more, until the user logs in and loads the page.
        set('tick', { disabled: true });
    }

    function reason(error, words) {
        if (error instanceof Refused) {
            return words.refused;
        }
        // A DOMException is that of a timeout.
        return error instanceof TypeError || error instanceof DOMException
            ? words.unreachable
            : error.message;
    }

    /** Do what a button says to the selected rows, and look again. */
    async function act(...args) {
        // The buttons come before these, as many as there are.
        const [selected, manager, , , , words, id] = args.slice(-7);
        const { callback_context: context, no_update, set_props } =
            window.dash_clientside;
        const [{ prop_id }] = context.triggered;
        const { part } = JSON.parse(
            prop_id.slice(0, prop_id.lastIndexOf('.')),
        );
        const name = JSON.stringify(id);
        // No click counts until the last one has its answer.
        if (acting.has(name)) {
            return no_update;
        }
        acting.add(name);
        const set = (each, props) => set_props({ ...id, part: each }, props);
        for (const each of Object.keys(CHANGES)) {
            set(each, { disabled: true });
        }
        try {
            const change = {
                manager,
                key: keys.get(manager ?? undefined),
                ...CHANGES[part](selected ?? []),
            };
            const { changed, asked } = await ask(change, CHANGE_TIMEOUT);
            set('outcome', {
                children: changed < asked ? counted(changed, asked, words) : '',
            });
        } catch (error) {
            set('outcome', { children: reason(error, words) });
        } finally {
            acting.delete(name);
            set('drain', { disabled: false });
            // The answer enables the other buttons.
            gridOf(id)?.refreshInfiniteCache();
        }
        return no_update;
    }

    const counted = (changed, asked, words) =>
        words.changed
            .replace('{changed}', changed.toLocaleString(words.locale))
            .replace('{asked}', asked.toLocaleString(words.locale));

    /** Enable the buttons for what the selected jobs are now. */
    function enableForJobs(selected, _rows, id) {
        // The grid goes on to name a job as it was when it was selected.
        const rows = shown.get(JSON.stringify(id))?.rowData ?? [];
        const jobs = selected?.map(
            (job) => rows.find((row) => row.id === job.id) ?? job,
        );
        return disabled(id, [
            jobs?.some(({ status }) => LIVE.includes(status)),
            jobs?.some((job) => job.keeps && !FINE.includes(job.status)),
        ]);
    }

    /** Enable the buttons for what the selected tasks are now. */
    const enableForTasks = (selected, _rows, id) =>
        disabled(id, [
            selected?.some((task) => !task.is_paused),
            selected?.some((task) => task.is_paused),
        ]);

    const disabled = (id, enabled) =>
        enabled.map((each) => !each || acting.has(JSON.stringify(id)));

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
        const {
            callback_context: context,
            no_update,
            set_props,
        } = window.dash_clientside;
        if (context.triggered.length === 0) {
            lookAhead(...args);
            return no_update;
        }
        const id = args.at(-1);
        const name = JSON.stringify(id);
        const isTick = context.triggered.some(({ prop_id }) =>
            prop_id.endsWith('.n_intervals'),
        );
        // A grid is there once it has asked.
        const api = asked.has(name) && gridOf(id);
        if (!api || (isTick && waiting.has(name))) {
            return no_update;
        }
        if (!isTick) {
            api.deselectAll();
            api.paginationGoToFirstPage();
            api.purgeInfiniteCache();
        } else if (document.hidden) {
            return no_update;
        } else if (shown.get(name)?.rowCount === 0) {
            // A grid without rows would show an empty row while it asks.
            set_props(id, {
                getRowsRequest: { ...asked.get(name), isOwn: true, at: Date.now() },
            });
        } else {
            api.refreshInfiniteCache();
        }
        return no_update;
    }

    Object.assign(window.dash_clientside, {
        long_job_admin: { look, act, enableForJobs, enableForTasks },
    });
    return tick;
})()
