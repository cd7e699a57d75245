import { toShellCommand } from "@stackyard/core";
import type { Board, BoardName } from "@stackyard/sdk";
import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { CopyImage } from "../design/copy-image.tsx";
import { TextLink, To, useSearch } from "../design/links.tsx";
import { CONDITIONS, Mark, type Status } from "../design/mark.tsx";
import { Empty, Loaded, Panel } from "../design/page.tsx";
import { Sentence } from "../design/sentence.tsx";
import { StackLink } from "../design/stack-link.tsx";
import { type Column, Table, toActionsColumn } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";
import { toSafeText } from "../text/safe-text.ts";
import { BoardMatrix } from "./board-matrix.tsx";
import "./boards.css";

/** A release, and how many stacks it has left failed behind. */
type Listed = Board["releases"][number] & { readonly left: number };

/** Loads the machines that deploy to other stacks. */
export function useBoards(): UseQueryResult<readonly BoardName[]> {
  return useLoad(keys.count("boards"), (request) => yard.boards.list(request));
}

/** Renders what runs in which environment, for each machine that deploys to other stacks. */
export function Boards({ boards }: { boards: readonly BoardName[] }) {
  const marked = useSearch()["release"];
  return boards.map(({ machine }) => (
    <BoardPanel
      key={machine}
      machine={machine}
      title={<TextLink path="/machine" search={{ name: machine }} className="name" text={machine} />}
      marked={marked}
      hasReleases
    />
  ));
}

interface BoardProps {
  readonly machine: string;
  readonly title: ReactNode;
  /** The release whose versions are marked. */
  readonly marked: string | undefined;
  /** Set if the releases of the machine are listed below. */
  readonly hasReleases?: true;
}

/** Renders what runs in which environment of a machine that deploys. */
export function BoardPanel({ machine, title, marked, hasReleases }: BoardProps) {
  const board = useLoad(keys.count("board", { machine }), (request) => yard.boards.get(machine, request));
  const [drawing, setDrawing] = useState<HTMLElement | null>(null);
  return (
    <Panel
      title={title}
      note="what runs where"
      actions={<CopyImage of={drawing} what="board" file={`Board of ${machine}`} />}
    >
      <Loaded query={board} height={240}>
        {({ environments, releases, unreadable = [], turns }) => (
          <>
            <BoardMatrix ref={setDrawing} machine={machine} board={{ environments, releases }} marked={marked} />
            <Turns turns={turns} />
            {unreadable.map(({ id, problem }) => (
              <p key={id} className="panel-body wrap">
                <StackLink id={id} /> <Mark status="failed" word="Cannot be read" /> <Text>{problem}</Text>
              </p>
            ))}
            {hasReleases && (
              <Table
                label={`Releases of ${machine}`}
                rows={releases.map((release) => ({ ...release, left: countLeft(environments, release.id) }))}
                keyOf={({ id }) => id}
                columns={RELEASES}
                selected={marked}
                empty={
                  <Empty command={toShellCommand`stackyard send ID EVENT --machine ${machine}`}>
                    No release of this machine exists.
                  </Empty>
                }
              />
            )}
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
            The turn{" "}
            <b>
              <Text>{name}</Text>
            </b>{" "}
            is
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
  if (!isReadable) return <Mark status="failed" word="unreadable" />;
  return isFree ? <Mark status="healthy" word="free" /> : <Mark status="busy" word="taken" />;
}

/** Returns how many stacks a release has left failed behind. */
function countLeft(environments: Board["environments"], release: string): number {
  const versions = environments.flatMap((environment) => environment.versions);
  return versions.reduce((sum, each) => sum + (each.release?.id === release ? each.standings.failed : 0), 0);
}

const RELEASES: readonly Column<Listed>[] = [
  { header: "Condition", cell: (release) => <Condition release={release} /> },
  {
    header: "Release",
    cell: ({ id }) => <TextLink path="/release" search={{ id }} className="name" text={id} />,
  },
  { header: "State", cell: ({ state }) => <Text>{state}</Text> },
  { header: "Created", cell: ({ createdAt }) => <Ago at={createdAt} /> },
  { header: "Waits for", prose: true, cell: ({ waits = "" }) => <Sentence text={waits} /> },
  toActionsColumn(({ id }) => <MarkLink id={id} />),
];

/** One that has ended is not healthy while stacks that it has sent to are failed. */
function Condition({ release: { condition, left } }: { readonly release: Listed }) {
  const status = toStatus(condition);
  if (left === 0 || (status !== "healthy" && status !== "asleep")) return <Mark status={status} />;
  return <Mark status="degraded" word={`Ended, ${left.toLocaleString("en")} failed`} />;
}

/** Marks the versions of one release on the board; the address keeps which. */
function MarkLink({ id }: { id: string }) {
  const isMarked = useSearch()["release"] === id;
  return (
    <To
      path="/releases"
      search={isMarked ? {} : { release: id }}
      className="button"
      label={`${isMarked ? "Unmark" : "Mark"} ${toSafeText(id)}`}
    >
      {isMarked ? "Unmark" : "Mark on board"}
    </To>
  );
}

function toStatus(condition: string): Status {
  return CONDITIONS.find((known) => known === condition) ?? "quiet";
}
