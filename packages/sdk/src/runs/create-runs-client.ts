import { createHttpClient, type StackyardOptions } from "../http-client.ts";
import { createRunsApi, type RunsApi } from "./runs-api.ts";

/** The runs of a yard alone, as `new Stackyard(…).runs` has them: for commands and programs that need nothing else of it. */
export function createRunsClient(options: StackyardOptions): RunsApi {
  return createRunsApi(createHttpClient(options));
}
