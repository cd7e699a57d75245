import type { DeployPlan, DeployStack, PlannedStack } from "@stackyard/sdk";
import { type ReactNode, useState } from "react";
import { isAbsent, yard } from "../../api/client.ts";
import { keys } from "../../api/keys.ts";
import { useLoad } from "../../api/use-load.ts";
import { type PagedList, usePages } from "../../api/use-pages.ts";
import { formatStacks } from "../../text/format-stacks.ts";
import { Button } from "../button.tsx";
import { Mark, type Status } from "../mark.tsx";
import { Empty, ErrorNotice, Panel, Skeleton } from "../page.tsx";
import { StackLink } from "../stack-link.tsx";
import { type Column, Listed, Table } from "../table.tsx";
import { Ago, Arrow, Day, Text } from "../text.tsx";
import { countDestroyed } from "./count-destroyed.ts";
import { DeployState, DeployWhy, wordOfDeploy } from "./deploy-state.tsx";
import { type EqualStacks, groupEqual } from "./group-equal.ts";
import { PlanName } from "./plan-name.tsx";
import "./plan-panel.css";

/** Which plan of which release: its digest, or a task whose last plan is meant. */
export interface PlanPanelProps {
  readonly release: string;
  readonly plan: string;
  /** Rendered for an unknown plan. Default: nothing. */
  readonly absent?: ReactNode;
}

/** Renders what a plan would do with each stack and how far it is, the counts on top. */
export function PlanPanel({ release, plan, absent = null }: PlanPanelProps) {
  const head = useLoad(keys.count("plan", { release, plan }), (request) => yard.deploys.plan(release, plan, request));
  if (isAbsent(head.error)) return absent;
  return (
    <Panel
      title="Plan"
      note={
        head.data && (
          <>
            made at <Day at={head.data.madeAt} />
          </>
        )
      }
      footer={
        head.data && (
          <>
            <PlanName of={head.data.digest} />
            {head.data.hidden > 0 && <span>{formatStacks(head.data.hidden)} more that you may not read</span>}
          </>
        )
      }
    >
      {head.error !== null && <ErrorNotice error={head.error} onRetry={() => void head.refetch()} />}
      {head.data === undefined ? (
        head.error === null && <Skeleton height={160} />
      ) : (
        <Known plan={head.data} release={release} />
      )}
    </Panel>
  );
}

interface KnownProps extends Pick<PlanPanelProps, "release"> {
  readonly plan: DeployPlan;
}

function Known({ plan, release }: KnownProps) {
  const [chosen, setChosen] = useState<PlanFilter>(ALL);
  const list = usePages(keys.stack(release, "plan-stacks", { plan: plan.digest, ...chosen.filter }), (part) =>
    yard.deploys.planStacks(release, plan.digest, { ...part, ...chosen.filter }),
  );
  // What would be lost is said of all stacks, whichever are listed.
  const all = usePages(keys.stack(release, "plan-stacks", { plan: plan.digest }), (part) =>
    yard.deploys.planStacks(release, plan.digest, part),
  );
  const hasProgress =
    chosen.filter.state !== undefined || (list.items?.some((stack) => stack.progress !== undefined) ?? false);
  const filters = hasProgress ? STATES : listKinds(plan);
  return (
    <>
      <Figures plan={plan} destroyed={<Destroyed list={all} />} />
      {plan.changed > 0 && (
        <p className="notice warn" role="status">
          {formatStacks(plan.changed)} {plan.changed === 1 ? "is" : "are"} not as planned any more. Nothing would be
          sent there (PLAN_STALE): plan again.
        </p>
      )}
      {filters.length > 1 && (
        <div className="row plan-kinds">
          {[ALL, ...filters].map((each) => (
            <Button key={each.word} look="plain" pressed={chosen.word === each.word} onPress={() => setChosen(each)}>
              {each === ALL ? `All ${plan.stacks}` : each.word}
            </Button>
          ))}
        </div>
      )}
      <div className={hasProgress ? "plan-progress" : undefined}>
        <Listed
          list={list}
          empty={
            <Empty>{chosen.word === ALL.word ? "The plan has no stack that you may read." : "No stack is so."}</Empty>
          }
        >
          {(stacks) => (
            <Table
              label="Stacks of the plan"
              tall
              height="60vh"
              rows={groupEqual(stacks)}
              onEnd={list.loadMore}
              keyOf={([{ task, stackId }]) => `${task} ${stackId}`}
              columns={hasProgress ? COLUMNS.toSpliced(1, 0, PROGRESS) : COLUMNS}
            />
          )}
        </Listed>
      </div>
    </>
  );
}

/** Which stacks are listed. */
interface PlanFilter {
  readonly word: string;
  readonly filter: { readonly does?: PlannedStack["does"]; readonly state?: DeployStack["state"] };
}

const ALL: PlanFilter = { word: "All", filter: {} };

function listKinds({ counts }: DeployPlan): readonly PlanFilter[] {
  return KINDS.filter(([does]) => counts[does] > 0).map(([does, , word]) => ({
    word: `${word} ${counts[does]}`,
    filter: { does },
  }));
}

/** The states of rows, those that need a person first. */
const STATES = (["failed", "sent", "waiting", "unsent", "done"] as const).map(
  (state): PlanFilter => ({ word: wordOfDeploy(state), filter: { state } }),
);

/** The kinds of changes, those that need attention first. */
const KINDS = [
  ["fails", "failed", "Would fail"],
  ["moving", "waiting", "Were moving"],
  ["create", "queued", "Create"],
  ["move", "running", "Move"],
  ["same", "healthy", "Unchanged"],
] as const satisfies readonly (readonly [PlannedStack["does"], Status, string])[];

interface FiguresProps {
  readonly plan: DeployPlan;
  /** The figure of what would be lost. */
  readonly destroyed: ReactNode;
}

function Figures({ plan: { counts, runs }, destroyed }: FiguresProps) {
  const shown = [
    ["move", counts.move],
    ["create", counts.create],
    ["unchanged", counts.same],
    ...(counts.moving > 0 ? [["did not rest", counts.moving] as const] : []),
    ["would fail", counts.fails],
    [runs === 1 ? "task would run" : "tasks would run", runs],
  ] as const;
  return (
    <dl className="plan-counts">
      {destroyed}
      {shown.map(([word, count]) => (
        <div key={word} className={toTone(word, count)}>
          <dd>{count.toLocaleString("en")}</dd>
          <dt>{word}</dt>
        </div>
      ))}
    </dl>
  );
}

/** Renders how many resources would be lost: a dash where that could not be loaded, nothing where none that is known would be. */
function Destroyed({ list: { items, error, loadMore, isLoadingMore } }: { readonly list: PagedList<PlannedStack> }) {
  const count = items && countDestroyed(items);
  if (count === 0 || (count === undefined && error === null)) return null;
  const isWhole = loadMore === undefined && !isLoadingMore;
  return (
    <div className="tone-fail plan-fails">
      <dd>{count === undefined ? "–" : `${isWhole ? "" : "≥ "}${count.toLocaleString("en")}`}</dd>
      <dt>{count === 1 ? "resource destroyed" : "resources destroyed"}</dt>
    </div>
  );
}

function toTone(word: string, count: number): string | undefined {
  if (count === 0) return "muted";
  return word === "would fail" ? "tone-fail plan-fails" : undefined;
}

const COLUMNS: readonly Column<EqualStacks>[] = [
  { header: "Stack", cell: (stacks) => <Stacks of={stacks} /> },
  { header: "Change", cell: ([stack]) => <Change stack={stack} /> },
  { header: "Runs", cell: ([stack]) => <Runs stack={stack} /> },
];

/** So many stacks of a row are named at once. */
const MOST_NAMED = 3;

/** Renders one stack or a few; of several with the same change how many, and their names on demand. */
function Stacks({ of }: { of: EqualStacks }) {
  const [{ task }] = of;
  const waves = [...new Set(of.map(({ wave }) => wave))].join(", ");
  return (
    <div className="wrap">
      {of.length <= MOST_NAMED ? (
        <Names of={of} />
      ) : (
        <details>
          <summary>{formatStacks(of.length)}</summary>
          <Names of={of} />
        </details>
      )}
      <div className="muted">
        <Text>{`${task}, ${waves}`}</Text>
      </div>
    </div>
  );
}

function Names({ of }: { of: EqualStacks }) {
  return (
    <ul className="plan-equal">
      {of.map(({ stackId }) => (
        <li key={stackId}>
          <StackLink id={stackId} />
        </li>
      ))}
    </ul>
  );
}

const PROGRESS: Column<EqualStacks> = {
  header: "Progress",
  cell: ([{ stackId, progress }]) =>
    progress === undefined ? (
      <Mark status="ahead" word="Not sent" />
    ) : (
      <div className="wrap plan-change">
        <DeployState {...progress} stackId={stackId} />
        <span className="muted">
          <DeployWhy {...progress} /> <Ago at={progress.since} />
        </span>
      </div>
    ),
};

/** Renders the changes of the stack's resources by its own plan. Losses are red. */
function Resources({ changes: { adds, changes, destroys } }: { changes: NonNullable<PlannedStack["changes"]> }) {
  return (
    <span className="plan-sums">
      <span>+{adds} added</span>
      <span>~{changes} changed</span>
      <span className={destroys > 0 ? "tone-fail" : undefined}>−{destroys} destroyed</span>
    </span>
  );
}

function Change({ stack: { does, code, from, to, show, changes, changed, parked } }: { stack: PlannedStack }) {
  const [, status, word] = KINDS.find(([kind]) => kind === does) ?? KINDS[3];
  return (
    <div className="wrap plan-change">
      <Mark status={status} word={code === undefined ? word : `${word}: ${code}`} />
      {Object.entries(to).map(([key, value]) => (
        <span key={key} className="mono">
          <span className="muted">
            <Text>{`${key} `}</Text>
          </span>
          {toText(from[key]) !== toText(value) && (
            <>
              <Text>{toText(from[key])}</Text> <Arrow />{" "}
            </>
          )}
          <b>
            <Text>{toText(value)}</Text>
          </b>
        </span>
      ))}
      {Object.entries(show).map(
        ([key, value]) =>
          value !== null && (
            <span key={key} className="mono muted">
              <Text>{`${key} ${toText(value)}`}</Text>
            </span>
          ),
      )}
      {changes !== undefined && <Resources changes={changes} />}
      {changed && <Mark status="overdue" word="Changed since" />}
      {parked.length > 0 && <Mark status="parked" word={`Parked: ${parked.map(({ event }) => event).join(", ")}`} />}
    </div>
  );
}

function Runs({ stack: { does, tasks, end, whole } }: { stack: PlannedStack }) {
  if (does === "same") return <span className="muted">nothing</span>;
  if (does === "moving" || does === "fails") return <span className="muted">unknown</span>;
  return (
    <div className="wrap plan-change">
      {tasks.length > 0 && <Text mono>{formatTasks(tasks)}</Text>}
      <span className="muted">
        {whole ? (
          <>
            then <Text>{end ?? "removed"}</Text>
          </>
        ) : (
          <>
            up to <Text>{end ?? ""}</Text>: the rest depends on outputs
          </>
        )}
      </span>
    </div>
  );
}

/** Returns the tasks of states: `ROLL-OUT: migrate, app, smoke`. */
function formatTasks(tasks: readonly string[]): string {
  const parts: { readonly state: string; readonly names: string[] }[] = [];
  for (const task of tasks) {
    const at = task.indexOf("/");
    const state = task.slice(0, Math.max(at, 0));
    const last = parts.at(-1);
    if (last?.state === state) last.names.push(task.slice(at + 1));
    else parts.push({ state, names: [task.slice(at + 1)] });
  }
  return parts
    .map(({ state, names }) => (state === "" ? names.join(", ") : `${state}: ${names.join(", ")}`))
    .join("; ");
}

function toText(value: unknown): string {
  return value === null || value === undefined ? "none" : String(value);
}
