import { defined } from "@stackyard/core";
import type { Deploy, DeployStack } from "@stackyard/sdk";
import { type ReactNode, useState } from "react";
import { yard } from "../../api/client.ts";
import { keys } from "../../api/keys.ts";
import { itemsOf, useLoad } from "../../api/use-load.ts";
import { usePages } from "../../api/use-pages.ts";
import { Button } from "../../design/button.tsx";
import { To } from "../../design/links.tsx";
import { Empty, MissingNotice, Panel } from "../../design/page.tsx";
import { DeployState, DeployWhy, wordOfDeploy } from "../../design/release/deploy-state.tsx";
import { isPlanDigest } from "../../design/release/plan-digest.ts";
import { StackLink } from "../../design/stack-link.tsx";
import { type Column, ListTable } from "../../design/table.tsx";
import { Ago, Arrow, Text } from "../../design/text.tsx";
import { useMedia } from "../../design/use-media.ts";
import { toSafeText } from "../../text/safe-text.ts";
import { countDeploy } from "./deploy-counts.ts";
import { formatTook } from "./format-took.ts";
import { toMovingFirst } from "./moving-first.ts";

interface StacksProps {
  readonly release: string;
  /** The deployments with more than one stack, the one that matters most first. */
  readonly items: readonly Deploy[];
}

/** Renders the stacks that a release sends to: from which values to which, how far each is, and why; first what failed, then what is on its way. */
export function ReleaseStacks({ release, items }: StacksProps) {
  const [task, setTask] = useState<string>();
  const deploy = items.find((each) => each.task === task) ?? items[0];
  if (deploy === undefined) return null;
  return (
    <OneTask key={deploy.task} release={release} deploy={deploy}>
      {items.length > 1 &&
        items.map((each) => (
          <Button key={each.task} look="plain" pressed={each.task === deploy.task} onPress={() => setTask(each.task)}>
            <Text>{each.task}</Text>
          </Button>
        ))}
    </OneTask>
  );
}

/** The filters, those that need a person first. */
const FILTERS = ["failed", "sent", "waiting", "unsent", "skipped", "undone", "done", "unchanged"] as const;

/** As many of the stacks that are on their way come before those that have arrived. */
const MOST_MOVING = 100;

/** The order with failed stacks first: in the order of sending, one of 400 may be in the last page. */
const FAILED_FIRST = { order: "failed-first" } as const;

interface OneTaskProps {
  readonly release: string;
  readonly deploy: Deploy;
  /** The choice of another task. */
  readonly children: ReactNode;
}

function OneTask({ release, deploy, children }: OneTaskProps) {
  const { task, metadata, plan } = deploy;
  const { stacks, total } = countDeploy(deploy);
  const [state, setState] = useState<(typeof FILTERS)[number]>();
  const list = usePages(keys.stack(release, "deploy", { task, state }), (part) =>
    yard.deploys.stacks(release, task, { ...part, ...(state === undefined ? FAILED_FIRST : { state }) }),
  );
  const moving = useLoad(
    keys.stack(release, "deploy", { task, moving: true }),
    (request) => yard.deploys.stacks(release, task, { state: "sent", limit: MOST_MOVING, ...request }),
    { enabled: state === undefined && total.sent > 0 },
  );
  const isWide = useMedia("(min-width: 720px)");
  const rows = toMovingFirst(list.items ?? [], state === undefined && total.sent > 0 ? itemsOf(moving) : []);
  const choices = [undefined, ...FILTERS.filter((each) => total[each] > 0 || each === state)];
  return (
    <Panel
      title={
        <>
          Stacks of <Text>{task}</Text>
        </>
      }
      note="from which values to which"
      actions={
        <>
          {children}
          {choices.map((each) => (
            <Button key={each ?? ""} look="plain" pressed={each === state} onPress={() => setState(each)}>
              {each === undefined
                ? `All ${stacks.toLocaleString("en")}`
                : `${wordOfDeploy(each)} ${total[each].toLocaleString("en")}`}
            </Button>
          ))}
        </>
      }
      footer={
        isPlanDigest(plan) && (
          <To path="/plan" search={{ stack: release, plan }}>
            Each stack of the plan, with the tasks that its machine runs
          </To>
        )
      }
    >
      <MissingNotice query={moving} />
      <ListTable
        list={list.items === undefined ? list : { ...list, items: rows }}
        empty={<Empty>{state === undefined ? "No stack is shown." : "No stack is so."}</Empty>}
        label={toSafeText(`Stacks of ${task}`)}
        height="24rem"
        keyOf={({ stackId }) => stackId}
        columns={isWide ? toColumns(metadata, rows) : toPhoneColumns(metadata)}
      />
    </Panel>
  );
}

const PROGRESS: Column<DeployStack> = {
  header: "Progress",
  cell: ({ state, approving, stackId }) => <DeployState {...defined({ approving })} state={state} stackId={stackId} />,
};

/** The column of tasks that the machine of the stack runs, by the plan. */
const TASKS: Column<DeployStack> = {
  header: "Tasks",
  cell: ({ tasks = [] }) => {
    const names = new Set(tasks.map((task) => task.slice(task.indexOf("/") + 1)));
    return <Text mono>{[...names].join(", ") || "none"}</Text>;
  },
};

/** Renders the reason of the progress of a stack, and since when, or how long it took to arrive. */
function Now({ row }: { readonly row: DeployStack }) {
  const { code, message, since } = row;
  return (
    <>
      <DeployWhy {...defined({ code, message })} />{" "}
      <span className="muted">
        <Ago at={since} word={formatTook(row)} />
      </span>
    </>
  );
}

/** So many keys have a column of their own. */
const MOST_KEYS = 3;

function toColumns(values: Deploy["metadata"], rows: readonly DeployStack[]): readonly Column<DeployStack>[] {
  return [
    { header: "Stack", cell: ({ stackId }) => <StackLink id={stackId} /> },
    { header: "Wave", cell: ({ wave }) => <Text>{wave}</Text> },
    PROGRESS,
    ...toValueColumns(values),
    ...(rows.some(({ tasks }) => tasks !== undefined) ? [TASKS] : []),
    { header: "Now", prose: true, cell: (row) => <Now row={row} /> },
  ];
}

/** On a phone, what is known of a stack stands below its name. */
function toPhoneColumns(values: Deploy["metadata"]): readonly Column<DeployStack>[] {
  return [
    {
      header: "Stack",
      cell: (row) => (
        <div className="wrap">
          <StackLink id={row.stackId} />
          {Object.entries(values)
            .slice(0, 1)
            .map(([key, value]) => (
              <div key={key}>
                <Text>{key}</Text> <Change from={row.from?.[key]} to={value} />
              </div>
            ))}
          <div>
            <Now row={row} />
          </div>
        </div>
      ),
    },
    PROGRESS,
  ];
}

function toValueColumns(values: Deploy["metadata"]): readonly Column<DeployStack>[] {
  return Object.entries(values)
    .slice(0, MOST_KEYS)
    .map(([key, value]) => ({
      id: `value ${key}`,
      header: <Text>{key}</Text>,
      cell: ({ from }) => <Change from={from?.[key]} to={value} />,
    }));
}

/** Renders what a value was and becomes; what it was is unknown after an undo. */
function Change({ from, to }: { readonly from: unknown; readonly to: unknown }) {
  return (
    <span className="nowrap">
      {from !== undefined && from !== to && (
        <>
          <span className="muted">
            <Text mono>{toShort(from)}</Text>
          </span>{" "}
          <Arrow />{" "}
        </>
      )}
      <b>
        <Text mono>{toShort(to)}</Text>
      </b>
    </span>
  );
}

/** Returns a value as text; of a commit only so much as people read. */
function toShort(value: unknown): string {
  return value === null ? "none" : String(value).replace(/^([0-9a-f]{9})[0-9a-f]{31,}$/, "$1");
}
