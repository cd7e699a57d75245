import { defined } from "@stackyard/core";
import type { Deploy, DeployStack } from "@stackyard/sdk";
import { type ReactNode, useState } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { usePages } from "../api/use-pages.ts";
import { Button } from "../design/button.tsx";
import { DeployState, DeployWhy } from "../design/deploy-state.tsx";
import { Mark } from "../design/mark.tsx";
import { Empty, Panel } from "../design/page.tsx";
import { StackLink } from "../design/stack-link.tsx";
import { type Column, ListTable } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";
import { toSafeText } from "../text/safe-text.ts";
import { DeployProgress } from "./deploy-progress.tsx";
import { DeployWaves } from "./deploy-waves.tsx";
import "./deploys-panel.css";

interface DeploysProps {
  readonly release: string;
  readonly items: readonly Deploy[];
  readonly actions: ReactNode;
}

/** Renders what the tasks of a release have sent to other stacks, by wave; nothing before the first. */
export function DeploysPanel({ release, items, actions }: DeploysProps) {
  if (items.length === 0) return null;
  return (
    <Panel title="Deployments" actions={actions}>
      {items.map((deploy) => (
        <OneDeploy key={deploy.task} release={release} deploy={deploy} />
      ))}
    </Panel>
  );
}

function OneDeploy({ release, deploy }: { release: string; deploy: Deploy }) {
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
      <DeployWaves deploy={deploy} />
      <DeployProgress deploy={deploy} />
      <Button look="plain" pressed={isOpen} onPress={() => setIsOpen(!isOpen)}>
        Stacks
      </Button>
      {isOpen && <Rows release={release} task={task} />}
    </section>
  );
}

function Rows({ release, task }: { release: string; task: string }) {
  const [failed, setFailed] = useState(false);
  const list = usePages(keys.stack(release, "deploy", { task, failed }), (part) =>
    yard.deploys.stacks(release, task, { ...part, ...(failed && { state: "failed" }) }),
  );
  return (
    <>
      <Button look="plain" pressed={failed} onPress={() => setFailed(!failed)}>
        Only failed
      </Button>
      <ListTable
        list={list}
        empty={<Empty>{failed ? "No stack has failed." : "No stack is shown."}</Empty>}
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
