import type { Me } from "@stackyard/sdk";
import { useMe } from "../api/access.ts";
import { Loaded, Panel } from "../design/page.tsx";
import { Pairs } from "../design/pairs.tsx";
import { Table } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";

type Right = Me["rights"][number];

/** Renders who is signed in, and what all grants together permit. */
export function MePanel() {
  const me = useMe();
  return (
    <Loaded query={me} height={240}>
      {({ name, kind, id, groups, via, expiresAt, rights }) => (
        <div className="columns even">
          <Panel title={<Text>{name}</Text>}>
            <Pairs
              className="pairs panel-body"
              of={{
                Kind: kind,
                Id: <Text mono>{id}</Text>,
                Groups: <Text>{groups.length === 0 ? "none" : groups.join(", ")}</Text>,
                "Signed in with": via,
                Ends: expiresAt !== undefined && <Ago at={expiresAt} />,
              }}
            />
          </Panel>
          <Panel title="Grants">
            <Table
              label="What you may do"
              rows={rights}
              keyOf={(right) => JSON.stringify(right)}
              columns={[
                { header: "Role", cell: ({ role }: Right) => role ?? "–" },
                { header: "Permissions", cell: ({ permissions }) => permissions.join(", ") },
                { header: "Machines", cell: ({ machines }) => <Scope of={machines} /> },
                { header: "Stacks that begin with", cell: ({ stacks }) => <Scope of={stacks} /> },
              ]}
            />
          </Panel>
        </div>
      )}
    </Loaded>
  );
}

/** Renders the limits of a grant. */
export function Scope({ of }: { of: readonly string[] | undefined }) {
  return of === undefined ? <span className="muted">all</span> : <Text>{of.join(", ")}</Text>;
}
