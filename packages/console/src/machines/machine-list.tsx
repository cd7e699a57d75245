import type { MachineSummary } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { TextLink } from "../design/links.tsx";
import { SideTable } from "../design/list-detail.tsx";
import { Loaded } from "../design/page.tsx";
import type { Column } from "../design/table.tsx";
import { MachineMark } from "./machine-mark.tsx";

/** Loads all machines. */
export function useMachines() {
  return useLoad(keys.list("machines"), (request) => yard.machines.list(request));
}

const ORDER = { invalid: 0, stale: 1, valid: 2 } as const;

/** Returns machines with errors first. */
export function toWorstFirst(machines: readonly MachineSummary[]): readonly MachineSummary[] {
  return machines.toSorted((a, b) => ORDER[a.status] - ORDER[b.status] || (a.name < b.name ? -1 : 1));
}

/** The columns that distinguish machines. */
export const MACHINE_COLUMNS: readonly Column<MachineSummary>[] = [
  { header: "Status", cell: ({ status }) => <MachineMark status={status} /> },
  {
    header: "Machine",
    cell: ({ name }) => <TextLink path="/machine" search={{ name }} text={name} />,
  },
];

/** Renders the machines next to one of them. */
export function MachineList({ name }: { name: string }) {
  return (
    <Loaded query={useMachines()} height={400}>
      {(machines) => (
        <SideTable
          label="Machines"
          rows={toWorstFirst(machines)}
          keyOf={(machine) => machine.name}
          selected={name}
          columns={MACHINE_COLUMNS}
        />
      )}
    </Loaded>
  );
}
