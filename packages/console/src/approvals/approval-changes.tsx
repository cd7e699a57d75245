import type { Approval, HistoryEntry, Page, StackDetails } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { itemsOf, useLoad } from "../api/use-load.ts";
import { findDifference, formatDifference } from "../design/approval/ask-figures.ts";
import { findPlan, findPlanAttempt, type PlanChange, type ReportedPlan } from "../design/approval/find-plan.ts";
import { To } from "../design/links.tsx";
import { ErrorNotice, MissingNotice, Panel, Skeleton } from "../design/page.tsx";
import { isPlanDigest } from "../design/release/plan-digest.ts";
import { PlanName } from "../design/release/plan-name.tsx";
import { PlanOnDemand } from "../design/release/plan-on-demand.tsx";
import { VersionsPanel } from "../design/release/release-versions.tsx";
import { Arrow, Day, MaybeLink, Text } from "../design/text.tsx";
import { CommitsPanel } from "./commits-panel.tsx";
import { findLastApproved } from "./find-last-approved.ts";
import { PlanResources } from "./plan-resources.tsx";

/** Lines of the history in which the plan and the last approval are looked for. */
const LINES = 1_000;

/** Renders what the approval would let happen: the plan, and the metadata next to what was approved last. */
export function WhatChanges({ approval, details }: { approval: Approval; details: StackDetails }) {
  const { stackId, task } = approval;
  const history = useLoad(keys.stack(stackId, "approval-history", { limit: LINES }), (request) =>
    yard.stacks.history(stackId, { limit: LINES, ...request }),
  );
  const approved = useLastApproved(stackId, history.data, task);
  const plan = findPlan(approval, itemsOf(history));
  return (
    <>
      {history.data === undefined &&
        (history.error === null ? (
          <Skeleton height={120} />
        ) : (
          <ErrorNotice error={history.error} onRetry={() => void history.refetch()} />
        ))}
      {details.attempts.some(({ executor }) => executor === "deploy") && <EarlierTrouble release={stackId} />}
      {plan !== undefined && <PlanPanel plan={plan} details={details} />}
      {isPlanDigest(approval.of) && (
        <>
          <VersionsPanel release={stackId} />
          <PlanOnDemand release={stackId} plan={approval.of} />
        </>
      )}
      <CommitsPanel stackId={stackId} task={task} />
      <MetadataPanel details={details} approved={approved} />
    </>
  );
}

/** Renders what is wrong now where the release has arrived already; nothing while nothing is. */
function EarlierTrouble({ release }: { release: string }) {
  const deploys = useLoad(keys.stack(release, "trouble"), (request) =>
    yard.deploys.list(release, { trouble: true, ...request }),
  );
  if (deploys.data === undefined) return <MissingNotice query={deploys} />;
  const troubled = deploys.data.filter(({ trouble = [], soaksUntil }) => trouble.length > 0 || soaksUntil);
  if (troubled.length === 0) return null;
  return (
    <div className="notice warn">
      <ul className="plain-list" aria-label="Earlier environments">
        {troubled.map(({ task, trouble = [], soaksUntil }) => (
          <li key={task}>
            <Text>{task}</Text>
            {trouble.length > 0 &&
              `: not as it had arrived any more: ${trouble.map(({ code, stacks }) => `${code} ${stacks}`).join(", ")}.`}
            {soaksUntil !== undefined && (
              <>
                {" "}
                Soaks until <Day at={soaksUntil} />.
              </>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

function PlanPanel({ plan, details }: { plan: ReportedPlan; details: StackDetails }) {
  const { task, at, changes, problems, monthlyCost, unpriced, summary, unchanged, replacements } = plan;
  const attemptId = findPlanAttempt(plan, details.attempts);
  const difference = findDifference(plan);
  return (
    <Panel
      title="What changes"
      note={
        <>
          planned by the task <Text>{task}</Text>, <Day at={at} />
        </>
      }
      footer={
        <>
          {summary !== undefined && <Text>{summary}</Text>}
          {unpriced > 0 && <span>{unpriced} resources have no price</span>}
          {attemptId !== undefined && (
            <To path="/log" search={{ attempt: attemptId }}>
              Whole plan in the log
            </To>
          )}
        </>
      }
    >
      {unchanged && <p className="panel-body">Nothing would change.</p>}
      <dl className="plan-figures">
        {changes.map((change) => (
          <div key={change.word} className={toTone(change)}>
            <dd>
              <span aria-hidden="true">{change.sign}</span> {change.count.toLocaleString("en")}
            </dd>
            <dt>
              {change.word}
              {change.word === "destroyed" && replacements > 0 && `, ${replacements} replaced`}
            </dt>
          </div>
        ))}
        {monthlyCost !== undefined && (
          <div>
            <dd>{difference === undefined ? monthlyCost.toFixed(2) : formatDifference(difference)}</dd>
            <dt>USD a month{difference === undefined ? ", then" : `, then ${monthlyCost.toFixed(2)}`}</dt>
          </div>
        )}
      </dl>
      {problems.length > 0 && (
        <div className="notice fail">
          <ul className="plain-list" aria-label="Problems of the plan">
            {problems.map((line) => (
              <li key={line} className="mono wrap">
                <Text>{line}</Text>
              </li>
            ))}
          </ul>
        </div>
      )}
      <PlanResources plan={plan} />
    </Panel>
  );
}

/** A count of nothing is muted; what is lost is red. */
function toTone({ count, isLoss }: PlanChange): string | undefined {
  if (count === 0) return "muted";
  return isLoss ? "tone-fail plan-loss" : undefined;
}

type Metadata = Readonly<Record<string, unknown>>;

/** The metadata as of the last approval, or why there is none to compare with; neither while that is loading. */
interface LastApproved {
  readonly before?: Metadata;
  readonly absence?: string;
}

interface MetadataProps {
  readonly details: StackDetails;
  readonly approved: LastApproved;
}

/** Renders the metadata; where the task was approved before, first what differs from then. */
function MetadataPanel({ details, approved: { before, absence } }: MetadataProps) {
  const names = [...new Set([...Object.keys(details.metadata), ...Object.keys(before ?? {})])];
  const isChanged = (name: string) => before !== undefined && before[name] !== details.metadata[name];
  const sorted = [...names.filter(isChanged), ...names.filter((name) => !isChanged(name))];
  const changed = names.filter(isChanged).length;
  const note = before === undefined ? absence : `${changed} changed since the last approval`;
  return (
    <Panel title="Metadata" note={note}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the area is scrolled with the keyboard */}
      <section className="table-scroll" tabIndex={0} aria-label="Metadata">
        <table className="table plan-metadata">
          <thead>
            <tr>
              <th scope="col">Key</th>
              {before !== undefined && <th scope="col">Last approved</th>}
              <th scope="col">Now</th>
            </tr>
          </thead>
          <tbody>
            {sorted.map((name) => (
              <tr key={name}>
                <th scope="row">
                  <Text>{name}</Text>
                </th>
                {before !== undefined && (
                  <td className="muted">{isChanged(name) && <Before value={before[name]} />}</td>
                )}
                <td>
                  <Now value={details.metadata[name]} isChanged={isChanged(name)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Panel>
  );
}

function Before({ value }: { value: unknown }) {
  return (
    <>
      {value === undefined ? "missing" : <Text>{String(value)}</Text>} <Arrow />
    </>
  );
}

function Now({ value, isChanged }: { value: unknown; isChanged: boolean }) {
  if (value === undefined) return <span className="muted">missing</span>;
  const text = String(value);
  const shown = isPlanDigest(text) ? <PlanName of={text} /> : <MaybeLink value={text} />;
  return isChanged ? <strong>{shown}</strong> : shown;
}

/** Returns the metadata as of the last time when this task's approval was complete. */
function useLastApproved(stackId: string, history: Page<HistoryEntry> | undefined, task: string): LastApproved {
  const entry = history && findLastApproved(history.items, task);
  const { data, error } = useLoad(
    keys.other("last-approved", { stackId, position: entry?.position }),
    async (request) => (await yard.stacks.at(stackId, entry?.position ?? 0, request)).stack?.metadata ?? null,
    // The past does not change.
    { enabled: entry !== undefined, staleTime: Number.POSITIVE_INFINITY },
  );
  if (history === undefined) return {};
  if (entry === undefined) return { absence: formatNeverApproved(history) };
  if (data) return { before: data };
  if (error !== null) return { absence: "the last approval could not be loaded" };
  return data === null ? { absence: "the last approval cannot be replayed" } : {};
}

function formatNeverApproved({ cursor }: Page<HistoryEntry>): string {
  if (cursor === undefined) return "never approved before";
  return `not approved in the last ${LINES.toLocaleString("en")} lines of the history`;
}
