import type { RequestFigures } from "./count-requests.ts";
import type { BundleFigures } from "./measure-bundle.ts";
import type { ColdStartFigures } from "./measure-cold-start.ts";
import type { EventRateFigures } from "./measure-event-rate.ts";

/** All that `--aws` measures. */
export interface AwsFigures {
  readonly bundles: readonly BundleFigures[];
  readonly coldStarts: readonly ColdStartFigures[];
  readonly rates: readonly EventRateFigures[];
  readonly requests: readonly RequestFigures[];
}
