import { ACCOUNT } from "./a-world.ts";

/** One request of a story, and what it is answered. */
export interface ReleaseStep {
  /** As the SDK names the client, without `Client`. */
  readonly service: string;
  readonly operation: string;
  readonly input: object;
  /** Time that passes before. Default: none. */
  readonly afterMs?: number;
  /** What the answer has at least; of an error its `name`, `message` and `status`. */
  readonly gives?: object;
}

/** Receives the output of the story. */
export const PLACE = { account: ACCOUNT, region: "eu-west-1" } as const;

/** Steps of one service. */
export function createSteps(service: string) {
  return (operation: string, input: object = {}, more: Pick<ReleaseStep, "afterMs" | "gives"> = {}): ReleaseStep => ({
    service,
    operation,
    input,
    ...more,
  });
}
