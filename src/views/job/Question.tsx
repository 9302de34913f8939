import * as React from 'react';
import { sendAnswer } from '../../engine/answers';
import { engineOf } from '../../engine/engines';
import type { Run } from '../../engine/state/run';
import type { Question as Asked } from '../../engine/wire/snapshot';
import { onlyReads } from '../../engine/wire/userJob';
import { formatTime } from '../texts/format';
import { useDashStore } from '../hooks/hooks';
import { fill, type Labels } from '../texts/labels';
import { useDraft } from './useDraft';

/** As on the server. */
const MAX_LENGTH = 1000;

type Props = { run: Run; question: Asked; now: number; labels: Labels };

/** What a job asks: a button for each choice, or a field for a text. */
export function Question({ run, question, now, labels }: Props) {
    const engine = engineOf(useDashStore());
    const [{ text: entered, state }, change] = useDraft(run, question);
    const isSent = state === 'sent' || state === 'over';
    const { text, choices } = question;
    const send = async (answer: string) => {
        if (isSent) {
            return;
        }
        // The form stays until a poll says that the question is over.
        change({ state: 'sent' });
        const { token } = run;
        const body = { token, question: question.id, answer };
        change({ state: await sendAnswer(engine, body) });
    };
    const form =
        choices.length > 0 ? (
            <span className="long-job-actions">
                {choices.map((choice) => (
                    <button
                        key={choice}
                        type="button"
                        // Unlike `disabled`, this keeps the focus.
                        aria-disabled={isSent}
                        onClick={() => void send(choice)}
                    >
                        {choice}
                    </button>
                ))}
            </span>
        ) : (
            <form
                className="long-job-actions"
                onSubmit={(event) => {
                    event.preventDefault();
                    // The answer is none of a form around the view.
                    event.stopPropagation();
                    void send(entered.trim() && entered);
                }}
            >
                <input
                    type="text"
                    aria-label={text}
                    maxLength={MAX_LENGTH}
                    required={question.default !== ''}
                    pattern={question.default === '' ? undefined : '.*\\S.*'}
                    value={entered}
                    onChange={({ target }) => {
                        change({ text: target.value });
                    }}
                />
                <button type="submit" aria-disabled={isSent}>
                    {labels.send}
                </button>
            </form>
        );
    return (
        <div className="long-job-question" role="group" aria-label={text}>
            <div className="long-job-message">{text}</div>
            {!onlyReads(run.token) && form}
            <span className="long-job-facts">
                {timeText(run, question, now, labels)}
            </span>
            <span role="alert">
                {state === 'failed' && labels.not_sent}
                {state === 'over' && labels.answered}
            </span>
        </div>
    );
}

/** The time that is left, and what happens then. */
function timeText(
    { at }: Run,
    { left, default: answer }: Asked,
    now: number,
    labels: Labels,
): string {
    if (left === null) {
        return '';
    }
    const seconds = Math.max(0, Math.ceil(left - (now - at) / 1000));
    return fill(answer === null ? labels.answer_in : labels.default_in, {
        time: formatTime(seconds, labels),
        answer: answer ?? '',
    });
}
