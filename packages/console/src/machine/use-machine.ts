import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { machineClient } from "./machine-client.ts";
import type { KnownExecutor, ParsedMachine, Tasks } from "./messages.ts";

/** Typing pauses this long before a text is parsed. */
const PAUSE_MS = 150;

interface Results extends Partial<ParsedMachine> {
  /** The text that was parsed last. */
  readonly text?: string;
  /** The executors that its configs were checked with. */
  readonly executors?: readonly KnownExecutor[] | undefined;
  /** The last text without errors, for the graph. */
  readonly valid?: Pick<ParsedMachine, "graph" | "outline"> & { readonly text: string };
  /** Why the text could not be parsed at all. */
  readonly failure?: Error | undefined;
}

/** The results for a text that is being edited. */
export interface MachineState extends Omit<Results, "executors"> {
  /** They are those of the present text and executors, not of earlier ones. */
  readonly isCurrent: boolean;
  /** Parses the text once more. */
  readonly retry: () => void;
}

/** Parses a text 150 ms after it changed last. What was known before stays until then. */
export function useMachine({ name, text, executors }: Tasks["parse"]["in"]): MachineState {
  const [results, setResults] = useState<Results>({});
  const [tries, setTries] = useState(0);
  const first = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another try parses the same text
  useEffect(() => {
    let over = false;
    const parse = () => {
      first.current = false;
      const input = { name, text, ...(executors && { executors }) };
      return machineClient.run("parse", input).then(
        (parsed) => over || setResults((before) => ({ ...parsed, text, executors, ...toValid(before, parsed, text) })),
        (failure: Error) => over || setResults((before) => ({ ...before, text, executors, failure })),
      );
    };
    const timer = setTimeout(() => void parse(), first.current ? 0 : PAUSE_MS);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [name, text, executors, tries]);
  const retry = useCallback(() => {
    setResults(({ failure: _, text: __, ...before }) => before);
    setTries((count) => count + 1);
  }, []);
  return useMemo(() => {
    const { executors: checkedWith, ...parsed } = results;
    return { ...parsed, isCurrent: parsed.text === text && checkedWith === executors, retry };
  }, [results, text, executors, retry]);
}

/** Returns the last text without errors: a parsed one, or else the one before. */
function toValid(before: Results, { graph, outline }: ParsedMachine, text: string): Pick<Results, "valid"> {
  if (graph === undefined) return before.valid === undefined ? {} : { valid: before.valid };
  return { valid: { graph, ...(outline && { outline }), text } };
}
