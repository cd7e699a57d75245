import type { Me } from "@stackyard/sdk";
import { useMe } from "../api/access.ts";
import { Loaded, Panel } from "../design/page.tsx";
import { Table } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";

type Right = Me["rights"][number];

/** Renders who is signed in, and what all grants together permit. */
export function MePanel() {
  const me = useMe();
  return (
    <Loaded query={me} height={240}>
      {({ name, kind, id, groups, via, expiresAt, rights }) => (
        <div className="stack-v">
          <Panel title="You">
            <dl className="pairs panel-body">
              <dt>Name</dt>
              <dd>
                <Text>{name}</Text>
              </dd>
              <dt>Kind</dt>
              <dd>{kind}</dd>
              <dt>Id</dt>
              <dd>
                <Text mono>{id}</Text>
              </dd>
              <dt>Groups</dt>
              <dd>
                <Text>{groups.length === 0 ? "none" : groups.join(", ")}</Text>
              </dd>
              <dt>Signed in with</dt>
              <dd>{via}</dd>
              {expiresAt !== undefined && (
                <>
                  <dt>Ends</dt>
                  <dd>
                    <Ago at={expiresAt} />
                  </dd>
                </>
              )}
            </dl>
          </Panel>
          <Panel title="Grants">
            <Table
              label="What you may do"
              rows={rights}
              keyOf={(right) => JSON.stringify(right)}
              columns={[
                { id: "role", header: "Role", cell: ({ role }: Right) => role ?? "–" },
                { id: "permissions", header: "Permissions", cell: ({ permissions }) => permissions.join(", ") },
                { id: "machines", header: "Machines", cell: ({ machines }) => <Scope of={machines} /> },
                { id: "stacks", header: "Stacks that begin with", cell: ({ stacks }) => <Scope of={stacks} /> },
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
