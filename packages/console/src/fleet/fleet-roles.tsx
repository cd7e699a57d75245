import { type FleetReport, type RoleCounts, STANDINGS } from "@stackyard/executor-runcommand/report";
import { useContext } from "react";
import { TextLink, useSearch } from "../design/links.tsx";
import { Panel } from "../design/page.tsx";
import { type Column, Table } from "../design/table.tsx";
import { NO_ROLE } from "./fleet-data.ts";
import { FleetPath } from "./fleet-path.ts";

/** Renders the map in numbers: how many instances of each role are in each state. */
export function FleetRoles({ report: { roles, standings } }: { report: FleetReport }) {
  const path = useContext(FleetPath);
  const search = useSearch();
  const shown = STANDINGS.filter((standing) => standings[standing] > 0);
  const columns: readonly Column<RoleCounts>[] = [
    {
      header: "Role",
      cell: ({ role }) => (
        <TextLink
          path={path}
          search={{ ...search, role: role ?? NO_ROLE }}
          current={search["role"] === (role ?? NO_ROLE)}
          text={role ?? NO_ROLE}
        />
      ),
    },
    ...shown.map((standing) => ({
      header: standing,
      number: true as const,
      cell: ({ counts }: RoleCounts) => (counts[standing] === 0 ? "" : counts[standing].toLocaleString("en")),
    })),
    { header: "all", number: true, cell: ({ total }) => total.toLocaleString("en") },
  ];
  return (
    <Panel title="By role">
      <Table label="Instances by role" columns={columns} rows={roles} keyOf={({ role }) => role ?? ""} height={320} />
    </Panel>
  );
}
