import { toShellCommand } from "@stackyard/core";
import type { MachineDetails, MachineGraph, StackCounts } from "@stackyard/sdk";
import { isAbsent, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { Command } from "../design/copy-button.tsx";
import { To, useSearch } from "../design/links.tsx";
import { ListDetail } from "../design/list-detail.tsx";
import { Absent, Empty, Loaded, MissingNotice, Page, Panel } from "../design/page.tsx";
import { Tabs } from "../design/tabs.tsx";
import { Text } from "../design/text.tsx";
import { GraphPanel } from "../graph/graph-panel.tsx";
import { toSafeText } from "../text/safe-text.ts";
import { MachineList } from "./machine-list.tsx";
import { MachineMark } from "./machine-mark.tsx";
import { Revisions } from "./revisions.tsx";
import { SourceText } from "./source-text.tsx";

const TABS = [
  { id: "graph", title: "Graph" },
  { id: "text", title: "Text" },
  { id: "revisions", title: "Revisions" },
];

/** Renders one machine: its problems, graph with the stacks of each state, text and revisions. */
export function MachinePage() {
  const { name = "" } = useSearch();
  return (
    <ListDetail label="Other machines" list={<MachineList name={name} />}>
      <OneMachine key={name} name={name} />
    </ListDetail>
  );
}

function OneMachine({ name }: { name: string }) {
  const query = useLoad(keys.machine(name), (request) => yard.machines.get(name, request), { enabled: name !== "" });
  if (name === "") {
    return (
      <Page title="Machine">
        <Empty command="stackyard machines ls">The address names no machine. Open one from the list.</Empty>
      </Page>
    );
  }
  return (
    <Page title={toSafeText(name)} actions={<Actions name={name} />}>
      {isAbsent(query.error) ? (
        <Absent path="/machines" word="All machines" />
      ) : (
        <Loaded query={query} height={400}>
          {(machine) => <Machine machine={machine} />}
        </Loaded>
      )}
    </Page>
  );
}

function Actions({ name }: { name: string }) {
  return (
    <>
      <To path="/edit" search={{ machine: name }} className="button primary">
        Edit
      </To>
      <To path="/simulate" search={{ machine: name }} className="button">
        Simulate
      </To>
      <To path="/stacks" search={{ machine: name }} className="button">
        Stacks
      </To>
    </>
  );
}

const NOTES = {
  valid: undefined,
  stale: "The newest document has errors. Stacks use an older revision until you correct it.",
  invalid: "No revision can be used: events of this machine wait until you correct its document.",
} as const;

function Machine({ machine }: { machine: MachineDetails }) {
  const { tab = "graph" } = useSearch();
  const { name, status, hash, problems } = machine;
  const note = NOTES[status];
  return (
    <>
      <div className="row">
        <MachineMark status={status} />
        {hash !== undefined && (
          <span className="muted">
            revision <Text mono>{hash.slice(0, 12)}</Text>
          </span>
        )}
        {machine.version !== undefined && <span className="muted">version {machine.version}</span>}
        {machine.revision !== undefined && (
          <span className="muted">
            {machine.revision === "pin" ? "stacks keep their revision" : "stacks follow the newest"}
          </span>
        )}
      </div>
      {note !== undefined && <p className="notice warn">{note}</p>}
      {problems.length > 0 && <Problems name={name} problems={problems} />}
      <Tabs path="/machine" tabs={TABS} keep={["name"]} />
      {tab === "graph" && <Graph name={name} />}
      {tab === "text" && <SourceText name={name} />}
      {tab === "revisions" && <Revisions name={name} />}
    </>
  );
}

function Problems({ name, problems }: Pick<MachineDetails, "name" | "problems">) {
  return (
    <Panel title={`Problems (${problems.length})`}>
      <ul className="panel-body stack-v" style={{ listStyle: "none" }}>
        {problems.map(({ line, column, code, severity, message }) => (
          <li key={`${line}:${column} ${code} ${message}`}>
            <To path="/machine" search={{ name, tab: "text", line: String(line) }}>
              Line {line}
            </To>{" "}
            <span className={severity === "error" ? "tone-fail" : "tone-warn"}>{severity}</span>{" "}
            <span className="mono muted">{code}</span> <Text>{message}</Text>
          </li>
        ))}
      </ul>
      <div className="panel-body">
        <Command text={toShellCommand`stackyard machines show ${name}`} />
      </div>
    </Panel>
  );
}

function Graph({ name }: { name: string }) {
  const query = useLoad(keys.machine(name, "graph"), (request) => yard.machines.graph(name, request));
  const counts = useLoad(keys.count("states", { name }), ({ signal }) =>
    yard.stacks.counts({ machine: name }, { by: "state", signal }),
  );
  return (
    <>
      <MissingNotice query={counts} />
      <Loaded query={query} height={320}>
        {(graph: MachineGraph) => (
          <GraphPanel
            graph={graph}
            label={`Graph of ${toSafeText(name)}`}
            states={counts.data === undefined ? {} : toNotes(counts.data)}
          />
        )}
      </Loaded>
    </>
  );
}

/** Returns how many stacks are in each state. */
function toNotes({ groups }: StackCounts) {
  return Object.fromEntries(
    groups.flatMap(({ state, count }) =>
      state === undefined ? [] : [[state, { note: `${count} ${count === 1 ? "stack" : "stacks"}` }] as const],
    ),
  );
}
