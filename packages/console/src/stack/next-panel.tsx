import { JOB_MACHINE } from "../api/status.ts";
import { Panel } from "../design/page.tsx";
import { StateName } from "../design/state-name.tsx";
import { Text } from "../design/text.tsx";
import { isAtRest } from "./at-rest.ts";
import { listNextMoves, type NextMove } from "./next-moves.ts";
import type { StackProps } from "./source.ts";
import { When } from "./stack-sentence.tsx";
import { useGraph } from "./use-graph.ts";

/** Renders what can happen to a stack next, in sentences: its timers, and the events for which one at rest waits. */
export function NextPanel({ source, stack }: StackProps) {
  const { data: graph } = useGraph({ source, stack }, { enabled: stack.machine !== JOB_MACHINE });
  const moves = listNextMoves({ stack, graph, events: isAtRest(stack) });
  if (moves.length === 0) return null;
  return (
    <Panel title="What comes next">
      <ul className="next-moves" aria-label="What comes next">
        {moves.map((move) => (
          <li key={move.id}>
            <Move move={move} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Move({ move: { event, task, to, dueAt } }: { readonly move: NextMove }) {
  return (
    <>
      <b>
        <Text>{event}</Text>
      </b>
      {task !== undefined && (
        <>
          {" of "}
          <Text>{task}</Text>
        </>
      )}
      {dueAt !== undefined && (
        <>
          {" is sent by itself"}
          <When at={dueAt} />
        </>
      )}
      {to.length > 0 && (dueAt === undefined ? " leads to " : ", and leads to ")}
      {to.map((state, index) => (
        <span key={state}>
          {index > 0 && " or "}
          <StateName state={state} />
        </span>
      ))}
      {to.length === 0 && dueAt === undefined && " is handled, and the state stays"}
    </>
  );
}
