import type { Cause, StackSummary } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { toCount, useLoad } from "../api/use-load.ts";
import { type ConditionCounts, NEEDS_PERSON, NO_JOBS, needyOf } from "../api/use-main-conditions.ts";
import { BulkOfCause } from "../bulk/bulk-of-cause.tsx";
import { CauseName, toStacksOfCause } from "../design/causes.tsx";
import { To } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Loaded, MissingNotice, Panel } from "../design/page.tsx";
import { StackLink } from "../design/stack-link.tsx";
import { Ago, Text } from "../design/text.tsx";
import { Line } from "./attention-line.tsx";
import { countNeedy, formatNeedyNote } from "./count-needy.ts";
import { FailedJobs, type useFailedJobs } from "./failed-jobs.tsx";

const MAX_CAUSES = 12;
const MAX_APPROVALS = 3;

interface AttentionProps {
  readonly counts: ConditionCounts;
  readonly jobs: ReturnType<typeof useFailedJobs>;
}

/**
 * Renders everything that needs a person, worst first: failures by their cause and failed jobs, then stalled, overdue
 * and approvals.
 */
export function Attention({ counts, jobs }: AttentionProps) {
  const [failed, degraded, overdue, stalled, approval] = NEEDS_PERSON.map((condition) => needyOf(counts, condition));
  const needy = countNeedy(
    counts,
    toCount(jobs, ({ length }) => length),
  );
  if (needy.stacks === 0 && (needy.jobs === 0 || needy.jobs === "loading")) {
    return (
      <Panel title="Needs attention">
        <Loaded query={jobs}>{() => <AllQuiet />}</Loaded>
      </Panel>
    );
  }
  return (
    <Panel title="Needs attention" note={formatNeedyNote(needy)} actions={<To path="/inbox">All as a list</To>}>
      {failed ? <Causes kind="failed" count={failed} /> : null}
      {degraded ? <Causes kind="degraded" count={degraded} /> : null}
      {needy.jobs !== "loading" && <Loaded query={jobs}>{(failed) => <FailedJobs jobs={failed} />}</Loaded>}
      {overdue ? <OldestOf condition="overdue" count={overdue} /> : null}
      {stalled ? <OldestOf condition="stalled" count={stalled} /> : null}
      {approval ? <Approvals count={approval} /> : null}
    </Panel>
  );
}

const WORDS = { failed: "Failed", degraded: "Degraded" } as const;

function Causes({ kind, count }: { kind: "failed" | "degraded"; count: number }) {
  const causes = useLoad(keys.count("causes", { kind, limit: MAX_CAUSES }), ({ signal }) =>
    yard.causes({ kind, limit: MAX_CAUSES, signal }),
  );
  return (
    <Loaded query={causes} height={64}>
      {({ items, cursor }) => (
        <>
          {items.map((cause) => (
            <CauseLine key={`${cause.task} ${cause.code}`} kind={kind} cause={cause} />
          ))}
          {(cursor !== undefined || items.length === 0) && (
            <Line id={kind} status={kind} word={`${WORDS[kind]} ${count}`} search={{ is: kind }}>
              <To path="/inbox" search={{ tab: kind }}>
                All causes
              </To>
            </Line>
          )}
        </>
      )}
    </Loaded>
  );
}

function CauseLine({ kind, cause }: { kind: "failed" | "degraded"; cause: Cause }) {
  const { count, sample, newestAt } = cause;
  return (
    <Line
      id={`${kind} ${cause.task} ${cause.code}`}
      status={kind}
      word={`${WORDS[kind]} ${count}`}
      search={toStacksOfCause(cause)}
      action={<BulkOfCause cause={cause} />}
    >
      <CauseName cause={cause} />
      <span className="muted">
        newest <StackLink id={sample.stackId} /> <Ago at={newestAt} />
      </span>
    </Line>
  );
}

function OldestOf({ condition, count }: { condition: "stalled" | "overdue"; count: number }) {
  const oldest = useLoad(keys.list("oldest", { condition }), ({ signal }) =>
    yard.stacks.list(
      { mainCondition: condition, condition: "any", waiting: true, ...NO_JOBS },
      { sort: "enteredAt", limit: 1, signal },
    ),
  );
  const word = `${condition === "stalled" ? "Stalled" : "Overdue"} ${count}`;
  const stack = oldest.data?.items[0];
  return (
    <Line
      id={condition}
      status={condition}
      word={word}
      search={{ is: condition, sort: "enteredAt" }}
      action={
        stack !== undefined && (
          <To path="/stack" search={{ id: stack.id }} className="button">
            Open stack
          </To>
        )
      }
    >
      {stack === undefined ? <MissingNotice query={oldest} /> : <OldestStack stack={stack} />}
    </Line>
  );
}

function OldestStack({ stack: { id, state, enteredAt, stalled } }: { stack: StackSummary }) {
  return (
    <>
      <span className="wrap">
        {stalled === undefined ? (
          <>
            in <Text>{state}</Text>
          </>
        ) : (
          <>
            <Text mono>{stalled.code}</Text> <Text>{stalled.reason}</Text>
          </>
        )}
      </span>
      <span className="muted">
        oldest <StackLink id={id} />, <Ago at={enteredAt} plain />
      </span>
    </>
  );
}

function Approvals({ count }: { count: number }) {
  const approvals = useLoad(keys.list("approvals", { limit: MAX_APPROVALS }), ({ signal }) =>
    yard.approvals.list({ limit: MAX_APPROVALS, signal }),
  );
  const items = approvals.data?.items.slice(0, MAX_APPROVALS);
  if (items === undefined || items.length === 0) {
    return (
      <>
        <Line id="approval" status="approval" word={`Approval ${count}`} search={{ is: "approval" }}>
          <To path="/approvals">All approvals</To>
        </Line>
        <MissingNotice query={approvals} />
      </>
    );
  }
  return items.map((approval, index) => (
    <Line
      key={approval.id}
      id={approval.id}
      status="approval"
      word={index === 0 ? `Approval ${count}` : "Approval"}
      search={{ is: "approval" }}
      action={
        <To path="/approval" search={{ stack: approval.stackId, task: approval.task }} className="button">
          Review
        </To>
      }
    >
      <span>
        <StackLink id={approval.stackId} /> <Text>{approval.task}</Text>
      </span>
      <span className="muted">
        needs {approval.need} of <Text>{approval.from.join(", ")}</Text>, ends <Ago at={approval.expiresAt} />
      </span>
    </Line>
  ));
}

const LOOK_BACK = 100;

function AllQuiet() {
  const recent = useLoad(keys.list("last-failure"), ({ signal }) => yard.events.list({ limit: LOOK_BACK, signal }));
  const failure = recent.data?.items.find(({ event }) => event === "TASK_ERROR");
  return (
    <div className="notice">
      <Mark status="quiet" word="All quiet" />
      {failure === undefined ? (
        recent.data === undefined ? (
          <MissingNotice query={recent} />
        ) : (
          <p className="muted">The latest events contain no failure.</p>
        )
      ) : (
        <p className="muted">
          Last failure: <StackLink id={failure.stackId} /> <Text>{failure.task ?? ""}</Text>{" "}
          <Text mono>{failure.code ?? ""}</Text>, <Ago at={failure.at} />
        </p>
      )}
    </div>
  );
}
