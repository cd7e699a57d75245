import type { ExpressionPlace, ExpressionScope, PlaceMetadata } from "../machine/expression/expression.ts";

/** A place of a reaction: everything is there, `password` is sensitive and may not be named, other keys are allowed. */
export function aPlace({ metadata, ...rest }: PlaceInput = {}): ExpressionPlace {
  return {
    event: true,
    tasks: ["app", "make db"],
    states: ["INIT", "BUILD", "CLEAN-UP"],
    sensitive: "never",
    ...rest,
    metadata: {
      declared: new Set(["image", "url", "count", "my-key", "password"]),
      sensitive: new Set(["password"]),
      additional: true,
      ...metadata,
    },
  };
}

interface PlaceInput extends Partial<Omit<ExpressionPlace, "metadata">> {
  readonly metadata?: Partial<PlaceMetadata>;
}

/** The scope of a stack in BUILD that was entered twice, at noon of the last day of January 2030. */
export function aScope(input: Partial<ExpressionScope> = {}): ExpressionScope {
  return {
    stack: {
      id: "pr-1",
      machine: "review",
      state: "BUILD",
      previousState: null,
      createdAt: Date.UTC(2030, 0, 31, 10),
      enteredAt: Date.UTC(2030, 0, 31, 11, 30),
      visits: { INIT: 1, BUILD: 2, "CLEAN-UP": 0 },
    },
    metadata: { image: "shop:1.2", url: null, count: 3, ratio: 1.5, on: true, "my-key": "v" },
    event: { name: "PUSHED", metadata: { image: "shop:1.3", note: null } },
    tasks: { app: { status: "SATISFIED", outputs: { port: 80 } }, "make db": { status: "RUNNING", outputs: {} } },
    now: Date.UTC(2030, 0, 31, 12),
    ...input,
  };
}
