import { useEffect, useRef, useState } from "react";
import { machineClient } from "./machine-client.ts";
import type { ParsedMachine, Tasks } from "./messages.ts";

/** Typing pauses this long before a text is parsed. */
const PAUSE_MS = 150;

/** The results for a text that is being edited. */
export interface MachineState extends Partial<ParsedMachine> {
  /** The text that was parsed last. */
  readonly text?: string;
  /** The last text without errors, for the graph. */
  readonly valid?: Pick<ParsedMachine, "graph" | "outline"> & { readonly text: string };
  /** Why the text could not be parsed at all. */
  readonly failure?: string;
}

/** Parses a text 150 ms after it changed last. What was known before stays until then. */
export function useMachine({ name, text, executors }: Tasks["parse"]["in"]): MachineState {
  const [state, setState] = useState<MachineState>({});
  const first = useRef(true);
  useEffect(() => {
    let over = false;
    const parse = async () => {
      first.current = false;
      try {
        const parsed = await machineClient.run("parse", { name, text, ...(executors && { executors }) });
        if (over) return;
        const { graph, outline } = parsed;
        setState((before) => {
          const valid = graph === undefined ? before.valid : { graph, ...(outline && { outline }), text };
          return { ...parsed, text, ...(valid && { valid }) };
        });
      } catch (error) {
        if (!over)
          setState((before) => ({ ...before, text, failure: error instanceof Error ? error.message : String(error) }));
      }
    };
    const timer = setTimeout(() => void parse(), first.current ? 0 : PAUSE_MS);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [name, text, executors]);
  return state;
}
