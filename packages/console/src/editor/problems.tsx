import type { Problem } from "@stackyard/core/machine";
import { useEffect, useState } from "react";
import { Text } from "../design/text.tsx";
import type { MachineState } from "../machine/use-machine.ts";

/** A check that takes longer than this is shown. */
const LATE_MS = 300;

/**
 * Returns the problems of the present text. Undefined while they are not known: those of an earlier text stay for a
 * moment, so that nothing flickers while a person types. `isChecked`: they are those of the present text, with the configs
 * of its tasks.
 */
export function useCheckedProblems(
  { problems, failure }: MachineState,
  isChecked: boolean,
): readonly Problem[] | undefined {
  const [known, setKnown] = useState<readonly Problem[]>();
  useEffect(() => {
    if (isChecked) return setKnown(failure === undefined ? problems : undefined);
    const timer = setTimeout(() => setKnown(undefined), LATE_MS);
    return () => clearTimeout(timer);
  }, [isChecked, problems, failure]);
  return isChecked && failure === undefined ? problems : known;
}

/** Returns the number of problems in words, such as `1 error, 2 warnings`; empty without one. */
export function countProblems(problems: readonly Problem[]): string {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  const parts = [errors > 0 && toCount(errors, "error"), warnings > 0 && toCount(warnings, "warning")];
  return parts.filter((part) => part !== false).join(", ");
}

/** Returns a number with its word, such as `2 states`. */
export function toCount(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

interface ProblemsProps {
  readonly problems: readonly Problem[];
  readonly onReveal: (problem: Problem) => void;
}

/** Renders the problems of a text, each with its place. */
export function ProblemList({ problems, onReveal }: ProblemsProps) {
  return (
    <ul className="problems" aria-label="Problems">
      {problems.map((problem) => (
        <li key={`${problem.line}:${problem.column} ${problem.code} ${problem.message}`}>
          <button type="button" onClick={() => onReveal(problem)}>
            <span className={problem.severity === "error" ? "tone-fail" : "tone-warn"}>{problem.severity}</span>{" "}
            <span className="mono">
              {problem.line}:{problem.column} {problem.code}
            </span>{" "}
            <Text>{problem.message}</Text>
          </button>
        </li>
      ))}
    </ul>
  );
}
