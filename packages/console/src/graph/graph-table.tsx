import type { MachineGraph } from "@stackyard/sdk";
import { Mark } from "../design/mark.tsx";
import { type Column, Table } from "../design/table.tsx";
import { Arrow, Text } from "../design/text.tsx";
import type { GraphMarks } from "./graph-drawing.tsx";

interface TableProps extends GraphMarks {
  readonly graph: MachineGraph;
  readonly label: string;
}

type Row = MachineGraph["nodes"][number];

/** Renders the content of a graph as a table: a row per state, with its tasks and outgoing reactions. */
export function GraphTable({ graph, label, states = {}, tasks = {}, taken, selected, onSelect }: TableProps) {
  const first = graph.edges.find(({ from }) => graph.nodes.some(({ kind, id }) => kind === "start" && id === from))?.to;
  const ends = new Set(graph.nodes.flatMap(({ kind, id }) => (kind === "end" ? [id] : [])));
  const columns: Column<Row>[] = [
    {
      header: "State",
      cell: ({ id, reachable }) => {
        const badge = states[id];
        return (
          <span className="row">
            {badge?.status !== undefined && <Mark status={badge.status} bare />}
            {onSelect === undefined ? (
              <Text>{id}</Text>
            ) : (
              <button type="button" className="link" onClick={() => onSelect(id)}>
                <Text>{id}</Text>
              </button>
            )}
            {badge?.current && <b>now</b>}
            {badge?.note !== undefined && <span className="muted">{badge.note}</span>}
            {id === first && <span className="muted">start</span>}
            {reachable === false && <span className="muted">not reachable</span>}
          </span>
        );
      },
    },
    {
      header: "Tasks",
      cell: ({ id, tasks: names = [] }) => (
        <ul className="plain-list">
          {names.map((name) => {
            const badge = states[id]?.current ? tasks[name] : undefined;
            return (
              <li key={name} className="row">
                {badge !== undefined && <Mark status={badge.status} bare />}
                <Text>{name}</Text>
                {badge?.note !== undefined && <span className="muted">{badge.note}</span>}
              </li>
            );
          })}
        </ul>
      ),
    },
    {
      header: "Reactions",
      cell: ({ id, terminal }) => (
        <ul className="plain-list">
          {[...graph.edges.entries()]
            .filter(([, { from, to }]) => from === id && !ends.has(to))
            .map(([index, edge]) => (
              <li key={index}>
                <Reaction edge={edge} count={taken?.edges[index] ?? 0} />
              </li>
            ))}
          {terminal && <li className="muted">Removed when its tasks have succeeded</li>}
        </ul>
      ),
    },
  ];
  return (
    <Table
      label={label}
      columns={columns}
      rows={graph.nodes.filter(({ kind }) => kind === "state")}
      keyOf={({ id }) => id}
      selected={selected}
    />
  );
}

interface ReactionProps {
  readonly edge: MachineGraph["edges"][number];
  /** The number of times that the stack took it. */
  readonly count: number;
}

function Reaction({ edge: { event, after, when, to, passing }, count }: ReactionProps) {
  return (
    <>
      <Text>{event ?? ""}</Text>
      {after !== undefined && <span className="muted"> after {after}</span>} <Arrow /> <Text>{to}</Text>
      {count > 0 && <span className="muted"> {count}×</span>}
      {passing && <span className="muted"> (left again at once)</span>}
      {when !== undefined && (
        <span className="muted">
          {" "}
          {when === "else" ? "else" : "when "}
          {when !== "else" && <Text mono>{when}</Text>}
        </span>
      )}
    </>
  );
}
