import type { ReleaseVersions } from "@stackyard/sdk";
import { isAbsent, yard } from "../../api/client.ts";
import { keys } from "../../api/keys.ts";
import { hasFailed, useLoad } from "../../api/use-load.ts";
import { MissingFact, Panel } from "../page.tsx";
import { Arrow, OutsideLink, Text } from "../text.tsx";
import "../run/run-head.css";

type Version = ReleaseVersions["versions"][number];

function useVersions(release: string) {
  return useLoad(keys.count("versions", { release }), (request) => yard.deploys.versions(release, request));
}

/** Renders from which versions a release brings its stacks to which, with the commits between. */
export function VersionFacts({ release }: { release: string }) {
  const query = useVersions(release);
  if (query.data === undefined) return <MissingFact word="Versions" query={query} />;
  const { versions, more } = query.data;
  return (
    <>
      {[...Map.groupBy(versions, ({ key, to }) => JSON.stringify([key, to]))].map(([id, [first, ...others]]) => (
        <div key={id}>{first !== undefined && <VersionChange of={first} others={others} />}</div>
      ))}
      {more > 0 && (
        <div>
          <dt>Further versions</dt>
          <dd>{more}</dd>
        </div>
      )}
    </>
  );
}

/** Renders one version that comes, and from which ones: most stacks have the first. */
function VersionChange({ of: version, others }: { of: Version; others: readonly Version[] }) {
  return (
    <>
      <dt>
        <Text>{version.key}</Text>
      </dt>
      <dd>
        <Value of={version.from} /> <Arrow /> <Value of={version.to} /> <Commits version={version} />{" "}
        <span className="muted">
          <Text>{version.tasks.join(", ")}</Text>
        </span>
        {others.map((other, index) => (
          <span key={JSON.stringify(other.from) ?? "none"}>
            <span className="muted">{index === 0 ? ", also from " : ", "}</span>
            <Value of={other.from} />
            {other.commits !== undefined && (
              <>
                {" "}
                <Commits version={other} />
              </>
            )}
          </span>
        ))}
      </dd>
    </>
  );
}

/** Renders the same as a part of a page; nothing for a release that brings no version. */
export function VersionsPanel({ release }: { release: string }) {
  const query = useVersions(release);
  if (hasFailed(query) ? isAbsent(query.error) : query.data === undefined || query.data.versions.length === 0)
    return null;
  return (
    <Panel title="Versions">
      <div className="panel-body run-head">
        <dl aria-label="Versions">
          <VersionFacts release={release} />
        </dl>
      </div>
    </Panel>
  );
}

/** Renders a value; of a commit only so much as people read. */
function Value({ of = "none" }: { of: unknown }) {
  return <Text mono>{String(of).replace(/^([0-9a-f]{9})[0-9a-f]{31,}$/, "$1")}</Text>;
}

/** Renders how many commits come and go, as a link to where the code host compares them. */
function Commits({ version: { commits, isCut, dropped = 0, compareUrl } }: { version: Version }) {
  const parts = [
    commits !== undefined && (commits.length > 0 || dropped === 0) && countCommits(commits.length, isCut),
    dropped > 0 && `${countCommits(dropped)} removed`,
  ];
  const word = parts.filter(Boolean).join(", ");
  if (compareUrl === undefined) return word;
  return <OutsideLink href={compareUrl} word={word || "Compare"} />;
}

function countCommits(count: number, isCut = false): string {
  return `${count}${isCut ? "+" : ""} ${count === 1 ? "commit" : "commits"}`;
}
