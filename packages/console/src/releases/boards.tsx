import { toShellCommand } from "@stackyard/core";
import type { Board, BoardName } from "@stackyard/sdk";
import type { UseQueryResult } from "@tanstack/react-query";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { TextLink, To } from "../design/links.tsx";
import { CONDITIONS, Mark, type Status, toneOf } from "../design/mark.tsx";
import { Empty, Loaded, Panel } from "../design/page.tsx";
import { StackLink } from "../design/stack-link.tsx";
import { type Column, Table } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";
import { toSafeText } from "../text/safe-text.ts";
import "./boards.css";

type Environment = Board["environments"][number];
type Version = Environment["versions"][number];
type Release = Board["releases"][number];

/** Loads the machines that deploy to other stacks. */
export function useBoards(): UseQueryResult<readonly BoardName[]> {
  return useLoad(keys.count("boards"), (request) => yard.boards.list(request));
}

/** Renders what runs in which environment, for each machine that deploys to other stacks. */
export function Boards({ boards }: { boards: readonly BoardName[] }) {
  return boards.map(({ machine }) => <BoardOf key={machine} machine={machine} />);
}

function BoardOf({ machine }: { machine: string }) {
  const board = useLoad(keys.count("board", { machine }), (request) => yard.boards.get(machine, request));
  return (
    <Panel
      title={<TextLink path="/machine" search={{ name: machine }} className="name" text={machine} />}
      note="what runs where"
    >
      <Loaded query={board} height={240}>
        {({ environments, releases, unreadable = [], turns }) => (
          <>
            <ol className="board" aria-label={`Environments of ${machine}`}>
              {environments.map((environment) => (
                <EnvironmentCard key={environment.task} environment={environment} />
              ))}
            </ol>
            <Turns turns={turns} />
            {unreadable.map(({ id, problem }) => (
              <p key={id} className="panel-body wrap">
                <StackLink id={id} /> <Mark status="failed" word="Cannot be read" /> <Text>{problem}</Text>
              </p>
            ))}
            <Table
              label={`Releases of ${machine}`}
              rows={releases}
              keyOf={({ id }) => id}
              columns={RELEASES}
              empty={
                <Empty command={toShellCommand`stackyard send ID EVENT --machine ${machine}`}>
                  No release of this machine exists.
                </Empty>
              }
            />
          </>
        )}
      </Loaded>
    </Panel>
  );
}

/** Renders who has which turn, and who waits for it; nothing while no release has or wants one. */
function Turns({ turns }: { turns: Board["turns"] }) {
  if (turns.length === 0) return null;
  return (
    <ul className="board-turns" aria-label="Turns">
      {turns.map(({ name, holder, waiting, problem }) => (
        <li key={name}>
          <span>
            Turn{" "}
            <b>
              <Text>{name}</Text>
            </b>
          </span>
          <TurnMark isFree={holder === undefined} isReadable={problem === undefined} />
          {problem !== undefined && <span>{problem} No release gets the turn until it is repaired.</span>}
          {holder !== undefined && (
            <span>
              by {holder.release === undefined ? "a release that you may not read" : <StackLink id={holder.release} />}
            </span>
          )}
          {waiting.map(({ release }, index) => (
            <span key={release} className={index === 0 ? undefined : "muted"}>
              {index === 0 ? "next" : "older, superseded then:"} <StackLink id={release} />
            </span>
          ))}
        </li>
      ))}
    </ul>
  );
}

function TurnMark({ isFree, isReadable }: { isFree: boolean; isReadable: boolean }) {
  if (!isReadable) return <Mark status="failed" word="Unreadable" />;
  return isFree ? <Mark status="healthy" word="Free" /> : <Mark status="busy" word="Taken" />;
}

const RELEASES: readonly Column<Release>[] = [
  { header: "Condition", cell: ({ condition }) => <Mark status={toStatus(condition)} /> },
  { header: "Release", cell: ({ id }) => <StackLink id={id} /> },
  { header: "State", cell: ({ state }) => <Text>{state}</Text> },
  { header: "Created", cell: ({ createdAt }) => <Ago at={createdAt} /> },
  { header: "Waits for", prose: true, cell: ({ waits = "" }) => <Text>{waits}</Text> },
];

function toStatus(condition: string): Status {
  return CONDITIONS.find((known) => known === condition) ?? "quiet";
}

/** Versions of one environment that are listed; the rest are counted. */
const MOST_VERSIONS = 4;

function EnvironmentCard({ environment }: { environment: Environment }) {
  const { task, stack, machine, where, stacks, versions, behind, problem } = environment;
  const hidden = versions.length - MOST_VERSIONS;
  return (
    <li className="board-environment">
      <h3>
        <Text>{task}</Text>
        {behind && <span className="board-behind">Behind</span>}
      </h3>
      <p className="muted" title={where && toSafeText(where)}>
        {stack === undefined ? (
          <To path="/stacks" search={{ machine }}>
            {stacks === 1 ? "1 stack" : `${stacks} stacks`} of <Text>{machine ?? ""}</Text>
          </To>
        ) : (
          <StackLink id={stack} />
        )}
      </p>
      {problem !== undefined && (
        <p className="wrap">
          <Mark status="failed" word={problem} />
        </p>
      )}
      {versions.length === 0 && problem === undefined && <p>Nothing runs here.</p>}
      {stacks > 1 && <StandingBar versions={versions} />}
      <ul>
        {versions.slice(0, MOST_VERSIONS).map((version) => (
          <VersionLine key={`${JSON.stringify(version.values)} ${version.release?.id}`} version={version} of={stacks} />
        ))}
      </ul>
      {hidden > 0 && <p className="muted">and {hidden === 1 ? "1 other version" : `${hidden} other versions`}</p>}
    </li>
  );
}

function VersionLine({ version, of }: { version: Version; of: number }) {
  const { values, release, since, stacks, standings } = version;
  return (
    <li>
      <span className="board-version">
        <b>
          <Text>{formatValues(values)}</Text>
        </b>
        {of > 1 && <span className="muted"> on {stacks}</span>}
      </span>
      <span className="board-standings">
        {STANDINGS.filter(([name]) => standings[name] > 0).map(([name, status, word]) => (
          <Mark key={name} status={status} word={of > 1 ? `${standings[name]} ${word.toLowerCase()}` : word} />
        ))}
      </span>
      <span className="muted">
        {release === undefined ? "by no release, " : <StackLink id={release.id} />} <Ago at={since} />
      </span>
    </li>
  );
}

/** Worst first. */
const STANDINGS = [
  ["failed", "failed", "Failed"],
  ["by-hand", "overdue", "Set by hand"],
  ["moving", "busy", "Moving"],
  ["rests", "healthy", "At rest"],
] as const satisfies readonly (readonly [keyof Version["standings"], Status, string])[];

/** The lines below have the same figures as words. */
function StandingBar({ versions }: { versions: readonly Version[] }) {
  const counts = STANDINGS.map(([name, status]) => ({
    name,
    tone: toneOf(status),
    count: versions.reduce((sum, { standings }) => sum + standings[name], 0),
  }));
  return (
    <span className="board-bar" aria-hidden="true">
      {counts
        .filter(({ count }) => count > 0)
        .map(({ name, tone, count }) => (
          <span key={name} className={`tone-${tone}`} style={{ flexGrow: count }} />
        ))}
    </span>
  );
}

/** Returns the values as people read them: of one key only its value. */
function formatValues(values: Version["values"]): string {
  const pairs = Object.entries(values);
  if (pairs.length === 0) return "no version";
  return pairs.map(([key, value]) => (pairs.length === 1 ? String(value) : `${key} ${String(value)}`)).join(", ");
}
