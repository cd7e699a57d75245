import { defined } from "@stackyard/core";
import type { OpenAttempt } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { JOB_MACHINE } from "../api/status.ts";
import { useLoad } from "../api/use-load.ts";
import { Timeline, type TimelineRow } from "../design/charts/timeline.tsx";
import { TextLink, To } from "../design/links.tsx";
import { Mark, type Status, type Tone } from "../design/mark.tsx";
import { Empty, Loaded, Panel } from "../design/page.tsx";
import { useSettings } from "../design/settings.ts";
import { StackLink } from "../design/stack-link.tsx";
import { Text, useNow } from "../design/text.tsx";
import { dropColors } from "../text/ansi.ts";
import { formatAge, formatClock, formatDuration } from "../text/durations.ts";

const SHOWN = 20;
const COUNTED = 100;

/** Renders the attempts that have not ended on one axis, oldest first. */
export function RunningAttempts() {
  const attempts = useLoad(keys.list("attempts"), ({ signal }) => yard.attempts.list({}, { limit: COUNTED, signal }));
  const note = attempts.data && `${attempts.data.items.length}${attempts.data.cursor === undefined ? "" : "+"}`;
  return (
    <Panel
      title="Running"
      {...defined({ note })}
      actions={
        <>
          <To path="/jobs">Jobs</To>
          <To path="/stacks" search={{ is: "busy" }}>
            Busy stacks
          </To>
        </>
      }
    >
      <Loaded query={attempts} height={200}>
        {({ items }) =>
          items.length === 0 ? <Empty>No task runs.</Empty> : <RunningTimeline attempts={items.slice(0, SHOWN)} />
        }
      </Loaded>
    </Panel>
  );
}

const MINUTE_MS = 60_000;

function RunningTimeline({ attempts }: { attempts: readonly OpenAttempt[] }) {
  const { zone } = useSettings();
  const now = useNow(5_000);
  const begun = Math.min(...attempts.map(({ dispatchedAt }) => Date.parse(dispatchedAt)));
  // Two thirds are the past. One attempt of last week does not make the others invisible.
  const past = Math.min(60 * MINUTE_MS, Math.max(5 * MINUTE_MS, now - begun));
  return (
    <Timeline
      rows={attempts.map((attempt) => toRow(attempt, now))}
      heads={["Stack and task", "Last line, and how long"]}
      from={now - past}
      to={now + past / 2}
      now={now}
      format={(at) => formatClock(at, zone)}
    />
  );
}

const STATUSES: Readonly<Record<string, Status>> = { unclaimed: "queued", queued: "queued", running: "running" };

function toRow(attempt: OpenAttempt, now: number): TimelineRow {
  const { stackId, machine, task, status, attemptId, cancelling, progressMessage, attempt: number } = attempt;
  const [began, end] = [Date.parse(attempt.dispatchedAt), Date.parse(attempt.deadlineAt)];
  const isQueued = STATUSES[status] === "queued";
  const limit = `${formatAge(now - began)} of ${formatDuration(end - began)}`;
  const tone: Tone = isQueued ? "wait" : "busy";
  return {
    key: attemptId,
    name: (
      <>
        <Mark status={cancelling === undefined ? (STATUSES[status] ?? "running") : "cancelled"} bare />{" "}
        <StackLink id={stackId} path={machine === JOB_MACHINE ? "/job" : "/stack"} className="name" />{" "}
        <Text>{task}</Text>
        {number > 1 && <span className="muted"> attempt {number}</span>}
      </>
    ),
    spans: [
      { from: began, to: now, tone, title: `${isQueued ? "queued" : "ran"} ${formatDuration(now - began)}` },
      ...(end > now
        ? [{ from: now, to: end, tone, expected: true, title: `limit ${formatDuration(end - began)}` }]
        : []),
    ],
    end: (
      <>
        {progressMessage !== undefined && (
          <TextLink
            path="/log"
            search={{ attempt: attemptId }}
            className="overview-message"
            title={dropColors(progressMessage)}
            text={dropColors(progressMessage)}
          />
        )}{" "}
        <span className="nowrap">{limit}</span>
      </>
    ),
  };
}
