import type { MachineSummary } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { Filters, FilterText } from "../design/filters.tsx";
import { To, useChangeSearch, useSearch } from "../design/links.tsx";
import { Empty, Loaded, MissingNotice, NoMatch, Page, Panel } from "../design/page.tsx";
import { type Column, Table } from "../design/table.tsx";
import { Text } from "../design/text.tsx";
import { formatCount } from "../text/format-count.ts";
import { MACHINE_COLUMNS, toWorstFirst, useMachines } from "./machine-list.tsx";

/** Renders all machines of the yard, those with errors first. */
export function MachinesPage() {
  const query = useMachines();
  const counts = useLoad(keys.count("machines"), ({ signal }) => yard.stacks.counts({}, { by: "machine", signal }));
  const stacks = counts.data && new Map(counts.data.groups.map(({ machine, count }) => [machine, count]));
  return (
    <Page
      title="Machines"
      actions={
        <>
          <To path="/states" className="button plain">
            Terraform states
          </To>
          <To path="/edit" className="button">
            New machine
          </To>
        </>
      }
    >
      <Panel>
        <Filters>
          <FilterText name="text" label="Name contains" shortcut="/" />
        </Filters>
        <MissingNotice query={counts} />
        <Loaded query={query}>{(machines) => <Machines machines={machines} stacks={stacks} />}</Loaded>
      </Panel>
    </Page>
  );
}

interface ListProps {
  readonly machines: readonly MachineSummary[];
  /** The number of stacks by machine; undefined while unknown. */
  readonly stacks: ReadonlyMap<string | undefined, number> | undefined;
}

function Machines({ machines, stacks }: ListProps) {
  const { text = "" } = useSearch();
  const changeSearch = useChangeSearch();
  if (machines.length === 0) {
    return (
      <Empty command="stackyard init">No machine is in this yard yet. Put a YAML file into its machines folder.</Empty>
    );
  }
  const shown = machines.filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()));
  if (shown.length === 0) return <NoMatch filters={`"${text}"`} onClear={() => changeSearch({ text: undefined })} />;
  const columns: readonly Column<MachineSummary>[] = [
    ...MACHINE_COLUMNS,
    { header: "Stacks", number: true, cell: ({ name }) => formatCount(stacks && (stacks.get(name) ?? 0)) },
    ...(shown.some(({ problems }) => problems.length > 0) ? [{ header: "Problems", cell: FirstProblem }] : []),
    { header: "Revision", cell: ({ hash }) => <Text mono>{hash?.slice(0, 12) ?? "–"}</Text> },
    { header: "Found at", cell: ({ origin }) => <Text mono>{origin}</Text> },
  ];
  return <Table label="Machines" columns={columns} rows={toWorstFirst(shown)} keyOf={({ name }) => name} />;
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
