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
    const Form = choices.length > 0 ? Choices : TextForm;
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
    return (
        <div className="long-job-question" role="group" aria-label={text}>
            <div className="long-job-message">{text}</div>
            {!onlyReads(run.token) && (
                <Form
                    {...{ question, labels, entered, isSent }}
                    enter={(words) => {
                        change({ text: words });
                    }}
                    send={(answer) => void send(answer)}
                />
            )}
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

type FormProps = {
    question: Asked;
    labels: Labels;
    entered: string;
    enter: (text: string) => void;
    /** The answer is on its way, or no longer wanted. */
    isSent: boolean;
    send: (answer: string) => void;
};

function Choices({ question, isSent, send }: FormProps) {
    return (
        <span className="long-job-actions">
            {question.choices.map((choice) => (
                <button
                    key={choice}
                    type="button"
                    // Unlike `disabled`, this keeps the focus.
                    aria-disabled={isSent}
                    onClick={() => {
                        send(choice);
                    }}
                >
                    {choice}
                </button>
            ))}
        </span>
    );
}

function TextForm(props: FormProps) {
    const { question, labels, entered, enter, isSent, send } = props;
    const mayBeEmpty = question.default === '';
    return (
        <form
            className="long-job-actions"
            onSubmit={(event) => {
                event.preventDefault();
                // The answer is none of a form around the view.
                event.stopPropagation();
                send(entered.trim() && entered);
            }}
        >
            <input
                type="text"
                aria-label={question.text}
                maxLength={MAX_LENGTH}
                required={!mayBeEmpty}
                pattern={mayBeEmpty ? undefined : '.*\\S.*'}
                value={entered}
                onChange={({ target }) => {
                    enter(target.value);
                }}
            />
            <button type="submit" aria-disabled={isSent}>
                {labels.send}
            </button>
        </form>
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
