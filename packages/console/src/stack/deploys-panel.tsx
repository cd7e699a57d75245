import { defined } from "@stackyard/core";
import type { Deploy, DeployStack, ReleaseCalendar } from "@stackyard/sdk";
import { type ReactNode, useState } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { usePages } from "../api/use-pages.ts";
import { Button } from "../design/button.tsx";
import { DeployState, DeployWhy, wordOfDeploy } from "../design/deploy-state.tsx";
import { Mark } from "../design/mark.tsx";
import { Empty, Panel } from "../design/page.tsx";
import { StackLink } from "../design/stack-link.tsx";
import { type Column, ListTable } from "../design/table.tsx";
import { Ago, Instant, Text, useNow } from "../design/text.tsx";
import { toSafeText } from "../text/safe-text.ts";
import { countDeploy } from "./deploy-counts.ts";
import { DeployProgress } from "./deploy-progress.tsx";
import { DeployWaves } from "./deploy-waves.tsx";
import { findNextOfDeploy } from "./next-of-deploy.ts";
import "./deploys-panel.css";

interface DeploysProps {
  readonly release: string;
  readonly items: readonly Deploy[];
  /** Undefined: not known, or not loaded. */
  readonly calendar: ReleaseCalendar | undefined;
  readonly actions: ReactNode;
}

/** Renders what the tasks of a release have sent to other stacks, by wave; nothing before the first. */
export function DeploysPanel({ release, items, calendar, actions }: DeploysProps) {
  if (items.length === 0) return null;
  return (
    <Panel title="Deployments" actions={actions}>
      {items.map((deploy) => (
        <OneDeploy key={deploy.task} release={release} deploy={deploy} calendar={calendar} />
      ))}
    </Panel>
  );
}

interface OneDeployProps extends Pick<DeploysProps, "release" | "calendar"> {
  readonly deploy: Deploy;
}

function OneDeploy({ release, deploy, calendar }: OneDeployProps) {
  const { task, op, event, startedAt, endedAt, stop } = deploy;
  const [isOpen, setIsOpen] = useState(false);
  return (
    <section className="deploy" aria-label={toSafeText(`Deployment of ${task}`)}>
      <h3 className="row">
        <Text>{task}</Text>
        <span className="muted">
          {op === "undo" ? "undoes" : "sends"} <Text>{event}</Text>, {endedAt === undefined ? "begun" : "ended"}{" "}
          <Ago at={endedAt ?? startedAt} />
        </span>
      </h3>
      {stop !== undefined && (
        <p className="wrap">
          <Mark status="failed" word={stop.message} />
        </p>
      )}
      <Next deploy={deploy} calendar={calendar} />
      <DeployWaves deploy={deploy} />
      <DeployProgress deploy={deploy} />
      <Button look="plain" pressed={isOpen} onPress={() => setIsOpen(!isOpen)}>
        Stacks
      </Button>
      {isOpen && <Rows release={release} deploy={deploy} />}
    </section>
  );
}

const UNKNOWN_HOLDS = { windows: [], freezes: [] };

/** Renders what happens next to the waves, and when. */
function Next({
  deploy,
  calendar = UNKNOWN_HOLDS,
}: Pick<OneDeployProps, "deploy"> & { readonly calendar?: Pick<ReleaseCalendar, "windows" | "freezes"> | undefined }) {
  const next = findNextOfDeploy(deploy, calendar, useNow(10_000));
  if (next === undefined) return null;
  return (
    <p className="wrap deploy-next">
      <Text>{next.text}</Text>
      {next.at !== undefined && (
        <>
          : <Instant at={next.at} />, <Ago at={next.at} />
        </>
      )}
    </p>
  );
}

/** What needs a person first. Of those that were left alone, the server knows several states. */
const FILTERS = ["failed", "sent", "waiting", "unsent", "done"] as const;

/** Of 400 stacks, a failed one may be in the last page of the order of sending. */
const FAILED_FIRST = { order: "failed-first" } as const;

/** Renders the stacks of a deployment, first those that have failed. */
function Rows({ release, deploy }: Pick<OneDeployProps, "release" | "deploy">) {
  const { task } = deploy;
  const { stacks, total } = countDeploy(deploy);
  const [state, setState] = useState<(typeof FILTERS)[number] | undefined>(total.failed > 0 ? "failed" : undefined);
  const list = usePages(keys.stack(release, "deploy", { task, state }), (part) =>
    yard.deploys.stacks(release, task, { ...part, ...(state === undefined ? FAILED_FIRST : { state }) }),
  );
  const choices = [undefined, ...FILTERS.filter((each) => total[each] > 0 || each === state)];
  return (
    <>
      <div className="row">
        {choices.map((each) => (
          <Button key={each ?? ""} look="plain" pressed={each === state} onPress={() => setState(each)}>
            {each === undefined ? `All ${stacks}` : `${wordOfDeploy(each)} ${total[each]}`}
          </Button>
        ))}
      </div>
      <ListTable
        list={list}
        empty={<Empty>{state === undefined ? "No stack is shown." : "No stack is so."}</Empty>}
        label={toSafeText(`Stacks of ${task}`)}
        height="40vh"
        keyOf={({ stackId }) => stackId}
        columns={COLUMNS}
      />
    </>
  );
}

const COLUMNS: readonly Column<DeployStack>[] = [
  { header: "Stack", cell: ({ stackId }) => <StackLink id={stackId} /> },
  { header: "Wave", cell: ({ wave }) => <Text>{wave}</Text> },
  {
    header: "State",
    cell: ({ state, approving, stackId }) => (
      <DeployState {...defined({ approving })} state={state} stackId={stackId} />
    ),
  },
  { header: "Since", cell: ({ since }) => <Ago at={since} /> },
  { header: "From", cell: ({ from }) => <Text>{formatValues(from)}</Text> },
  { header: "Why", cell: ({ code, message }) => <DeployWhy {...defined({ code, message })} /> },
];

function formatValues(values: DeployStack["from"] = {}): string {
  return Object.entries(values)
    .map(([key, value]) => `${key} ${value === null ? "none" : String(value)}`)
    .join(", ");
}
