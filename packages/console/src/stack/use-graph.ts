import { useLoad } from "../api/use-load.ts";
import type { StackProps } from "./source.ts";

/** Loads the graph of the machine of a stack, which changes with its revisions only. */
export function useGraph({ source, stack: { machine, machineHash } }: StackProps, options: { enabled?: boolean } = {}) {
  const key = source.path === "/stack" ? ["machine", machine, "graph", machineHash] : source.key("graph");
  return useLoad(key, ({ signal }) => source.loadGraph(machine, signal), options);
}
