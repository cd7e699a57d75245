import { Mark } from "../design/mark.tsx";
import { StateName } from "../design/state-name.tsx";
import { Text } from "../design/text.tsx";
import type { GraphMarks } from "../graph/graph-drawing.tsx";
import type { PathStep } from "./path-steps.ts";
import "./stack-path.css";

interface PathProps extends Pick<GraphMarks, "states" | "tasks"> {
  readonly steps: readonly PathStep[];
  readonly label: string;
}

/** The mark of each step; the present state has that of its stack. */
const MARKS = { left: "succeeded", now: undefined, next: "ahead" } as const;

/** Renders the way of a stack as a list, where a graph has no room. */
export function StackPath({ steps, label, states = {}, tasks = {} }: PathProps) {
  return (
    <ol className="stack-path" aria-label={label}>
      {steps.map(({ kind, state, note }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a state may be entered several times
        <li key={index} className={kind} {...(kind === "now" && { "aria-current": "step" })}>
          <Mark status={MARKS[kind] ?? states[state]?.status ?? "quiet"} bare />
          <div>
            <StateName state={state} />{" "}
            <span className="muted">
              <Text>{kind === "now" ? (states[state]?.note ?? "") : note}</Text>
            </span>
            {kind === "now" && <Tasks of={tasks} />}
          </div>
        </li>
      ))}
    </ol>
  );
}

function Tasks({ of }: { readonly of: NonNullable<GraphMarks["tasks"]> }) {
  return (
    <ul className="plain-list">
      {Object.entries(of).map(([name, { status, note }]) => (
        <li key={name} className="row">
          <Mark status={status} bare /> <Text>{name}</Text>
          {note !== undefined && (
            <span className="muted">
              <Text>{note}</Text>
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}
