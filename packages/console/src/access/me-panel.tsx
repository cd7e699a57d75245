import { useMe } from "../api/access.ts";
import { Empty, Loaded, Panel } from "../design/page.tsx";
import { Ago, Text } from "../design/text.tsx";
import { formatScope } from "./format-scope.ts";

/** What a caller is, and by what its requests are known. Another one of a newer server has its name. */
const KINDS: Readonly<Record<string, string>> = {
  local: "signed in with a code of this server",
  person: "person",
  token: "API token",
  workload: "program",
};
const WAYS: Readonly<Record<string, string>> = {
  cookie: "session",
  bearer: "token",
  basic: "password",
  anonymous: "no sign-in",
};

/** Renders who is signed in, and what all grants together permit: a sentence each. */
export function MePanel() {
  const me = useMe();
  return (
    <Loaded query={me} height={120}>
      {({ name, kind, id, groups, via, expiresAt, rights }) => (
        <Panel
          title={<Text>{name}</Text>}
          actions={
            <span className="row muted">
              {groups.length > 0 && <Text>{`in ${groups.join(", ")}`}</Text>}
              <span>
                {KINDS[kind] ?? <Text>{kind}</Text>}
                {/* Whoever signs in with a code of the server has no other id than that. */}
                {id !== kind && id !== name && (
                  <>
                    {" "}
                    <Text mono>{id}</Text>
                  </>
                )}
              </span>
              <span>
                {WAYS[via] ?? <Text>{via}</Text>}
                {expiresAt !== undefined && (
                  <>
                    {" "}
                    ends <Ago at={expiresAt} />
                  </>
                )}
              </span>
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
