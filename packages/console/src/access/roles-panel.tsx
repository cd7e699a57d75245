import { permissionsOf, ROLES } from "@stackyard/core";
import type { Me } from "@stackyard/sdk";
import { useMe } from "../api/access.ts";
import { Panel } from "../design/page.tsx";
import { Table } from "../design/table.tsx";

type Role = (typeof ROLES)[number];

/** Renders the roles that a grant or a token can give, with their permissions, and which of them the reader has. */
export function RolesPanel() {
  const me = useMe();
  return (
    <Panel title="Roles" note="granted to people, programs and jobs, for all stacks or some">
      <Table
        label="Roles"
        rows={ROLES}
        keyOf={(role) => role}
        columns={[
          { header: "Role", cell: (role: Role) => role },
          { header: "Permissions", cell: (role: Role) => [...permissionsOf(role)].join(", ") },
          { header: "You", cell: (role: Role) => formatOwn(me.data?.rights.filter((right) => right.role === role)) },
        ]}
      />
    </Panel>
  );
}

function formatOwn(rights: Me["rights"] | undefined): string {
  if (rights === undefined) return "not known";
  if (rights.length === 0) return "–";
  const isWhole = rights.some(({ machines, stacks }) => machines === undefined && stacks === undefined);
  return isWhole ? "your role" : "your role for some stacks";
}
