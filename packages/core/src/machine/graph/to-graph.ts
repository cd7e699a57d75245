import { formatSchedule } from "../cron.ts";
import { cutText } from "../cut-text.ts";
import { formatDuration } from "../document/duration.ts";
import { defined } from "../json.ts";
import { INIT, type Machine, type Reaction, type State, TIMEOUT } from "../machine.ts";

/** A machine as a drawing: a start marker, a node for each state, an end marker, and arrows. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** `start` and `end` are markers; names of states cannot be ids of theirs. */
export type GraphNode =
  | { readonly kind: "start"; readonly id: string }
  | { readonly kind: "end"; readonly id: string }
  | {
      readonly kind: "state";
      /** The state's name. */
      readonly id: string;
      readonly terminal: boolean;
      /** Names, in the order of the document. */
      readonly tasks: readonly string[];
      /** False when no way leads here from INIT. */
      readonly reachable: boolean;
    };

/** An arrow. `start` and `end` arrows have no event. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly event?: string;
  /** The condition under which it is taken; `else` when the conditions before it are false. */
  readonly when?: string;
  /** The time after the entry at which the event comes by itself, such as `72h`. */
  readonly after?: string;
  /** The instant at which it comes by itself, as written in the document. */
  readonly at?: string;
  /** The schedule on which it comes by itself, such as `0 3 * * * Europe/Berlin`. */
  readonly cron?: string;
  /** The event that the reaction raises. */
  readonly raise?: string;
  /** True for an advance that a later one of the same handler leaves again at once. */
  readonly passing: boolean;
}

/** The ids of the markers. */
export const START_NODE = "start:";
/** Id of the node that terminal states lead to; the colon keeps it apart from every state. */
const END_NODE = "end:";

/** Returns the drawing of a machine, in the order of its document. Handlers without an effect are not drawn. */
export function toGraph(machine: Machine): Graph {
  const reached = findReached(machine);
  const states = [...machine.states.values()];
  const nodes: GraphNode[] = [{ kind: "start", id: START_NODE }];
  for (const { name, terminal, tasks } of states) {
    nodes.push({ kind: "state", id: name, terminal, tasks, reachable: reached.has(name) });
  }
  const terminal = states.filter((state) => state.terminal);
  if (terminal.length > 0) nodes.push({ kind: "end", id: END_NODE });
  const edges = [
    { from: START_NODE, to: INIT, passing: false },
    ...states.flatMap(toStateEdges),
    ...terminal.map(({ name }) => ({ from: name, to: END_NODE, passing: false })),
  ];
  return { nodes, edges };
}

function toStateEdges(state: State): readonly GraphEdge[] {
  return [...state.on].flatMap(([event, reactions]) => {
    const time = findTime(state, event);
    return listTaken(reactions).flatMap(({ advance, when, raise }, position) => {
      const condition = when?.source ?? (position > 0 ? "else" : undefined);
      return advance.map((to, index) => ({
        from: state.name,
        to,
        event,
        ...defined({ when: condition }),
        ...time,
        ...defined({ raise }),
        passing: index < advance.length - 1,
      }));
    });
  });
}

/** Returns the reactions that can be taken: none after one without a condition. */
export function listTaken(reactions: readonly Reaction[]): readonly Reaction[] {
  const last = reactions.findIndex(({ when }) => when === undefined);
  return last === -1 ? reactions : reactions.slice(0, last + 1);
}

/** Returns when an event comes by itself; of several the shortest length and the first instant and schedule. */
function findTime({ after, timeoutMs }: State, event: string): Pick<GraphEdge, "after" | "at" | "cron"> {
  const timers = after.filter((timer) => timer.event === event);
  const lengths = timers.flatMap((timer) => (timer.kind === "in" ? [timer.inMs] : []));
  if (event === TIMEOUT && timeoutMs !== undefined) lengths.push(timeoutMs);
  return defined({
    after: lengths.length === 0 ? undefined : formatDuration(Math.min(...lengths)),
    at: timers.flatMap((timer) => (timer.kind === "at" ? [timer.at.source] : []))[0],
    cron: timers.flatMap((timer) => (timer.kind === "cron" ? [formatSchedule(timer.repeats)] : []))[0],
  });
}

function findReached({ states }: Machine): ReadonlySet<string> {
  const reached = new Set([INIT]);
  // A set that grows during the iteration is iterated to its new end.
  for (const name of reached) {
    const reactions = [...(states.get(name)?.on.values() ?? [])].flatMap(listTaken);
    for (const target of reactions.flatMap(({ advance }) => advance)) reached.add(target);
  }
  return reached;
}

/** Which way a drawing grows. */
type GraphDirection = "horizontal" | "vertical";

/** The options of drawing. */
export interface DrawOptions {
  /** Default: `horizontal`. */
  readonly direction?: GraphDirection;
}

/** Returns the label of an arrow, such as `FAILED [when stack.visits.BUILD < 3]`; empty when it has none. */
export function toEdgeLabel({ event, when, after, at, cron, raise }: GraphEdge): string {
  if (event === undefined) return "";
  const times = [after && `after ${after}`, at && `at ${at}`, cron && `cron ${cron}`].filter(Boolean);
  const time = times.length === 0 ? "" : ` (${times.join(", ")})`;
  const condition = when === undefined ? "" : ` ${toCondition(when)}`;
  return `${event}${time}${condition}${raise === undefined ? "" : ` / raise ${raise}`}`;
}

const MAX_CONDITION = 60;

function toCondition(when: string): string {
  if (when === "else") return "[else]";
  return `[when ${cutText(when.replaceAll(/\s+/g, " "), MAX_CONDITION)}]`;
}
