import { nameSender } from "@stackyard/core";
import type { Attempt, StackDetails } from "@stackyard/sdk";
import { hasFailed, itemsOf, useLoad } from "../api/use-load.ts";
import { Mark } from "../design/mark.tsx";
import { PlaceOf } from "../design/run/run-head.tsx";
import { Scrolled } from "../design/scrolled.tsx";
import { Ago, Reason, Text } from "../design/text.tsx";
import { LogExcerpt } from "../log/log-excerpt.tsx";
import { withoutPlace } from "../text/find-place.ts";
import { type StackProps, type StackSource, toLogAddress } from "./source.ts";

interface Failing {
  readonly task: string;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly attempt?: Attempt | undefined;
  /** Where and when, for a failure of a state that the stack has left. */
  readonly earlier?: { readonly state: string; readonly at: string };
  readonly acknowledged?: Acknowledged | undefined;
}

type Acknowledged = NonNullable<NonNullable<StackDetails["lastFailure"]>["acknowledged"]>;

/** Lines of the history, whose senders may have the same name. */
const LINES = 200;
const MAX_LOGS = 3;
const MAX_FAILURES = 20;

/** Returns true if there is a failure to show, or a reason why the stack is stalled. */
export function hasFailure(stack: StackDetails): boolean {
  return stack.stalled !== undefined || listFailures(stack).length > 0;
}

/** Renders why a stack has failed: each failed task with its error and the relevant lines of its log. */
export function FailureNotices({ source, stack }: StackProps) {
  const all = listFailures(stack);
  if (all.length === 0 && stack.stalled === undefined) return null;
  return (
    <section className="panel failure" aria-label="Failures">
      {stack.stalled !== undefined && (
        <div className="notice warn">
          <Mark status="stalled" />
          <p>
            <Reason reason={stack.stalled.reason} code={stack.stalled.code} />
          </p>
        </div>
      )}
      {all.slice(0, MAX_FAILURES).map((failure, index) => (
        <FailureNotice
          key={failure.task}
          source={source}
          failure={failure}
          withLog={index < MAX_LOGS && failure.attempt?.hasLog === true}
        />
      ))}
      {all.length > MAX_FAILURES && (
        <p className="notice">{all.length - MAX_FAILURES} more tasks have failed; see the tasks.</p>
      )}
    </section>
  );
}

/** Returns the failed tasks of the state, then the last failure of an earlier one that nothing has resolved. */
function listFailures({ tasks, attempts, lastFailure, entry }: StackDetails): readonly Failing[] {
  const present = tasks
    .filter(({ status, detail }) => status === "ERROR" && detail !== "CANCELLED")
    .map(({ name, errorCode, errorMessage, attempt }): Failing => {
      return { task: name, code: errorCode, message: errorMessage, attempt };
    });
  if (lastFailure === undefined || lastFailure.resolvedAt !== undefined || lastFailure.entry === entry) return present;
  const { task, state, code, message, at, acknowledged } = lastFailure;
  const attempt = attempts.find(
    (one) => one.task === task && one.entry === lastFailure.entry && one.attempt === lastFailure.attempt,
  );
  return [...present, { task: `${task}`, code, message, attempt, earlier: { state, at }, acknowledged }];
}

/** Renders who has acknowledged a failure, with the id if the history names another one of that name. */
function Acknowledger({ source, of }: { source: StackSource; of: NonNullable<Failing["acknowledged"]> }) {
  const history = useLoad(source.key("history", { newest: LINES }), ({ signal }) =>
    source.loadHistory({ limit: LINES, signal }),
  );
  const sender = { actor: of.by, actorId: of.byId };
  // Without the history it is not known whether another one has the name: so the id is there, too.
  const others = hasFailed(history) ? [{ actor: of.by, actorId: "" }] : itemsOf(history);
  return <Text>{nameSender(sender, others) ?? "someone"}</Text>;
}

interface NoticeProps {
  readonly source: StackSource;
  readonly failure: Failing;
  readonly withLog: boolean;
}

function FailureNotice({
  source,
  failure: { task, code, message, attempt, earlier, acknowledged },
  withLog,
}: NoticeProps) {
  return (
    <div className={acknowledged === undefined ? "notice fail" : "notice"}>
      <p className="row">
        <Mark status={acknowledged === undefined ? "failed" : "acknowledged"} bare />
        <b>
          <Text>{task}</Text>
        </b>
        {code !== undefined && <Text mono>{code}</Text>}
        {attempt !== undefined && <span className="muted">attempt {attempt.attempt}</span>}
        {earlier !== undefined && (
          <span className="muted">
            in <Text>{earlier.state}</Text>, <Ago at={earlier.at} />
          </span>
        )}
      </p>
      {acknowledged !== undefined && (
        <p className="muted">
          Acknowledged by <Acknowledger source={source} of={acknowledged} />, <Ago at={acknowledged.at} />
          {acknowledged.reason !== undefined && (
            <>
              : <Text>{acknowledged.reason}</Text>
            </>
          )}
        </p>
      )}
      {message !== undefined && (
        <Scrolled label="Message" className="failure-message">
          <Text mono>{withoutPlace(message)}</Text>
        </Scrolled>
      )}
      {message !== undefined && <PlaceOf text={message} />}
      {attempt !== undefined && withLog && (
        <LogExcerpt
          attemptId={attempt.attemptId}
          load={{ key: source.key("log-tail", { attemptId: attempt.attemptId }), tail: source.loadLogTail }}
          at={toLogAddress(source, attempt.attemptId)}
        />
      )}
    </div>
  );
}
