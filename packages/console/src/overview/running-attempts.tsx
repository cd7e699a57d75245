import type { OpenAttempt } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { JOB_MACHINE } from "../api/status.ts";
import { useLoad } from "../api/use-load.ts";
import { TextLink, To } from "../design/links.tsx";
import { Mark, type Status } from "../design/mark.tsx";
import { Empty, Loaded, Panel } from "../design/page.tsx";
import { Text, useNow } from "../design/text.tsx";
import { dropColors } from "../text/ansi.ts";
import { formatDuration } from "../text/durations.ts";

const SHOWN = 20;
const COUNTED = 100;

/** Renders the attempts that have not ended, oldest first. */
export function RunningAttempts() {
  const attempts = useLoad(keys.list("attempts"), ({ signal }) => yard.attempts.list({}, { limit: COUNTED, signal }));
  const { items = [], cursor } = attempts.data ?? {};
  const count = attempts.data === undefined ? "" : ` ${items.length}${cursor === undefined ? "" : "+"}`;
  return (
    <Panel
      title={`Running${count}`}
      actions={
        <To path="/stacks" search={{ condition: "busy" }}>
          Busy stacks
        </To>
      }
    >
      <Loaded query={attempts} height={200}>
        {() =>
          items.length === 0 ? (
            <Empty>No task runs.</Empty>
          ) : (
            <ul className="overview-list">
              {items.slice(0, SHOWN).map((attempt) => (
                <AttemptLine key={attempt.attemptId} attempt={attempt} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </Panel>
  );
}

const STATUSES: Readonly<Record<string, Status>> = { unclaimed: "queued", queued: "queued", running: "running" };

function AttemptLine({ attempt }: { attempt: OpenAttempt }) {
  const { stackId, machine, task, status, attemptId, cancelling, progressMessage, attempt: number } = attempt;
  return (
    <li data-row={attemptId}>
      <Mark status={cancelling === undefined ? (STATUSES[status] ?? "running") : "cancelled"} bare />
      <TextLink path={machine === JOB_MACHINE ? "/job" : "/stack"} search={{ id: stackId }} text={stackId} />
      <Text>{task}</Text>
      {number > 1 && <span className="muted">attempt {number}</span>}
      <Elapsed attempt={attempt} />
      {progressMessage !== undefined && (
        <TextLink
          path="/log"
          search={{ attempt: attemptId }}
          className="overview-message"
          text={dropColors(progressMessage)}
        />
      )}
    </li>
  );
}

/** Renders the elapsed time of an attempt, and its limit. */
function Elapsed({ attempt: { dispatchedAt, deadlineAt } }: { attempt: OpenAttempt }) {
  const now = useNow();
  const [began, end] = [Date.parse(dispatchedAt), Date.parse(deadlineAt)];
  return (
    <span className="muted nowrap">
      {formatDuration(now - began)} of {formatDuration(end - began)}
    </span>
  );
}
