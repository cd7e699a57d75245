import type { MachineSummary } from "@stackyard/sdk";
import { type MachineCounts, useMainConditions } from "../api/use-main-conditions.ts";
import { Filters, FilterText } from "../design/filters.tsx";
import { type FirstStep, FirstSteps } from "../design/first-steps.tsx";
import { To, useChangeSearch, useSearch } from "../design/links.tsx";
import { CONDITIONS, Mark, wordOf } from "../design/mark.tsx";
import { Loaded, MissingNotice, NoMatch, Page, Panel } from "../design/page.tsx";
import { type Column, Table } from "../design/table.tsx";
import { Text } from "../design/text.tsx";
import { formatCount } from "../text/format-count.ts";
import { MACHINE_COLUMNS, toWorstFirst, useMachines } from "./machine-list.tsx";
import "./machines.css";

const SHOWS =
  "Here you will see each machine, which is the lifecycle of one kind of environment: its problems, its revisions and its stacks.";

const STEPS: readonly FirstStep[] = [
  {
    title: "Draw it here",
    text: "The editor shows the graph as you type, completes names, and marks what is wrong.",
    link: { path: "/edit", word: "New machine" },
  },
  {
    title: "Or begin with an example",
    text: "A project with a machine, Terraform modules and a configuration.",
    command: "stackyard init --template review-app",
  },
  {
    title: "Check it, and put it into the machines folder",
    text: "The yard reads the folder again by itself.",
    command: "stackyard validate machines",
  },
];

/** Renders all machines of the yard, those with errors first. */
export function MachinesPage() {
  const query = useMachines();
  const isNew = query.data?.length === 0;
  const counts = useMainConditions();
  const stacks = counts.machines && new Map(counts.machines.map((each) => [each.machine, each]));
  return (
    <Page
      title="Machines"
      actions={
        <>
          <To path="/states" className="button plain">
            Terraform states
          </To>
          {!isNew && (
            <To path="/edit" className="button">
              New machine
            </To>
          )}
        </>
      }
    >
      {isNew ? (
        <FirstSteps title="No machine is in this yard yet" shows={SHOWS} steps={STEPS} />
      ) : (
        <Panel>
          <Filters>
            <FilterText name="text" label="Name contains" shortcut="/" />
          </Filters>
          <MissingNotice query={counts.query} />
          <Loaded query={query}>{(machines) => <Machines machines={machines} stacks={stacks} />}</Loaded>
        </Panel>
      )}
    </Page>
  );
}

interface ListProps {
  readonly machines: readonly MachineSummary[];
  /** The stacks of each machine that has some; undefined while unknown. */
  readonly stacks: ReadonlyMap<string, MachineCounts> | undefined;
}

function Machines({ machines, stacks }: ListProps) {
  const { text = "" } = useSearch();
  const changeSearch = useChangeSearch();
  const shown = machines.filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()));
  if (shown.length === 0) return <NoMatch filters={`"${text}"`} onClear={() => changeSearch({ text: undefined })} />;
  // What all have alike distinguishes none.
  const columns = MACHINE_COLUMNS.slice(shown.every(({ status }) => status === "valid") ? 1 : 0);
  const more: readonly Column<MachineSummary>[] = [
    { header: "Stacks", number: true, cell: ({ name }) => formatCount(stacks && (stacks.get(name)?.total ?? 0)) },
    { header: "Conditions", cell: ({ name }) => <Conditions of={stacks?.get(name)} /> },
    ...(shown.some(({ problems }) => problems.length > 0) ? [{ header: "Problems", cell: FirstProblem }] : []),
    { header: "Revision", cell: ({ hash }) => <Text mono>{hash?.slice(0, 12) ?? "–"}</Text> },
    {
      header: "Document",
      cell: ({ origin }) => (
        <span className="muted">
          <Text mono>{origin}</Text>
        </span>
      ),
    },
  ];
  return (
    <Table label="Machines" columns={[...columns, ...more]} rows={toWorstFirst(shown)} keyOf={({ name }) => name} />
  );
}

/** Renders how the stacks of a machine are, worst first. */
function Conditions({ of }: { readonly of: MachineCounts | undefined }) {
  if (of === undefined) return null;
  return (
    <span className="machine-conditions">
      {CONDITIONS.map((condition) => {
        const count = of.counts.all.get(condition) ?? 0;
        const word = wordOf(condition).toLowerCase();
        return count > 0 && <Mark key={condition} status={condition} word={`${count.toLocaleString("en")} ${word}`} />;
      })}
    </span>
  );
}

function FirstProblem({ problems }: MachineSummary) {
  const first = problems.find(({ severity }) => severity === "error") ?? problems[0];
  if (first === undefined) return <span className="muted">none</span>;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return (
    <span className="wrap">
      Line {first.line}: <Text>{first.message}</Text>
      {more}
    </span>
  );
}
