import { permissionsOf, ROLES } from "@stackyard/core";
import { useMe } from "../api/access.ts";
import { Panel } from "../design/page.tsx";
import { Table } from "../design/table.tsx";

type Role = (typeof ROLES)[number];

/** Renders the roles that a grant or a token can give, with their permissions, and which of them the reader has. */
export function RolesPanel() {
  const own = new Set(useMe().data?.rights.map(({ role }) => role));
  return (
    <Panel title="Roles" note="A grant gives one to people, programs or jobs, for all stacks or some.">
      <Table
        label="Roles"
        rows={ROLES}
        keyOf={(role) => role}
        columns={[
          { header: "Role", cell: (role: Role) => role },
          { header: "Permissions", cell: (role: Role) => [...permissionsOf(role)].join(", ") },
          { header: "You", cell: (role: Role) => (own.has(role) ? "have it" : "–") },
        ]}
      />
    </Panel>
  );
}
