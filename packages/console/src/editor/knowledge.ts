import { useCallback, useEffect, useMemo, useState } from "react";
import { machineClient } from "../machine/machine-client.ts";
import type { KnownExecutor, MachineSchemas } from "../machine/messages.ts";

/** The editor's knowledge of machines besides the document, and what it waits for. */
export interface EditorKnowledge {
  /** The schemas; undefined while they are loaded, or when that failed. */
  readonly schemas: MachineSchemas | undefined;
  /** Those of the yard, or without one of this project. Undefined while they are loaded, or when that failed. */
  readonly executors: readonly KnownExecutor[] | undefined;
  readonly failure?: KnowledgeFailure | undefined;
}

/** A failure to load: what, why, and another try. */
export interface KnowledgeFailure {
  readonly what: string;
  readonly error: unknown;
  readonly retry: () => void;
}

/** The executors of a yard, as they are loaded. */
export interface YardExecutors {
  readonly executors: readonly KnownExecutor[] | undefined;
  readonly failure: KnowledgeFailure | undefined;
}

/** Loads the schemas of machines. Executors are those of the yard, or without one those of this project. */
export function useKnowledge(yard?: YardExecutors): EditorKnowledge {
  const hasYard = yard !== undefined;
  const own = useOwnKnowledge(hasYard);
  const executors = hasYard ? yard.executors : own.executors;
  const failure = own.failure ?? yard?.failure;
  return useMemo(() => ({ schemas: own.schemas, executors, failure }), [own.schemas, executors, failure]);
}

interface Loaded extends Partial<Omit<EditorKnowledge, "failure">> {
  readonly error?: unknown;
}

function useOwnKnowledge(hasYard: boolean): EditorKnowledge {
  const [loaded, setLoaded] = useState<Loaded>({});
  const load = useCallback(() => {
    setLoaded({});
    const executors = hasYard ? undefined : machineClient.run("executors", undefined);
    Promise.all([machineClient.run("schemas", undefined), executors]).then(
      ([schemas, own]) => setLoaded({ schemas, executors: own }),
      (error: unknown) => setLoaded({ error }),
    );
  }, [hasYard]);
  useEffect(load, [load]);
  return useMemo(() => {
    const { schemas, executors, error } = loaded;
    if (error === undefined) return { schemas, executors };
    const failure = { what: "The schemas of machines could not be loaded.", error, retry: load };
    return { schemas, executors, failure };
  }, [loaded, load]);
}
