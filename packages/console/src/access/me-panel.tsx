import { useMe } from "../api/access.ts";
import { Empty, Loaded, Panel } from "../design/page.tsx";
import { Ago, Text } from "../design/text.tsx";
import { formatScope } from "./format-scope.ts";

/** Renders who is signed in, and what all grants together permit: a sentence each. */
export function MePanel() {
  const me = useMe();
  return (
    <Loaded query={me} height={120}>
      {({ name, kind, id, groups, via, expiresAt, rights }) => (
        <Panel
          title={<Text>{name}</Text>}
          actions={
            <span className="muted">
              {kind} <Text mono>{id}</Text>, {groups.length > 0 && <Text>{`of ${groups.join(", ")}, `}</Text>}
              signed in by {via}
              {expiresAt !== undefined && (
                <>
                  , which ends <Ago at={expiresAt} />
                </>
              )}
            </span>
          }
        >
          {rights.length === 0 ? (
            <Empty>No grant gives you a role.</Empty>
          ) : (
            <ul className="plain-list panel-body" aria-label="What you may do">
              {rights.map((right) => (
                <li key={JSON.stringify(right)} className="wrap">
                  <strong>{right.role ?? "Grant"}</strong> on <Text>{formatScope(right)}</Text>:{" "}
                  <span className="muted">{right.permissions.join(", ")}</span>
                </li>
              ))}
            </ul>
          )}
        </Panel>
      )}
    </Loaded>
  );
}
