// npm run bench [-- --quick] [--json FILE]: the embedded stores; the JSON file holds the same figures as the tables.
// npm run bench -- --side-by-side [--quick] [--json FILE] [--page FILE] [--only ID,…]: beside other durable queues, on Postgres.
// npm run bench -- --profile ID [--quick]: where the time of one contender goes; its CPU profile in bench-profile.
// npm run bench -- --growth [the same]: what a job costs with more and more rows of older work.
import { parseArgs } from "node:util";
import { runEmbedded } from "./run-embedded.ts";
import { runProfile } from "./side-by-side/run-profile.ts";
import { runSideBySide } from "./side-by-side/run-side-by-side.ts";

const { values } = parseArgs({
  options: {
    "side-by-side": { type: "boolean", default: false },
    profile: { type: "string" },
    growth: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    page: { type: "string" },
    only: { type: "string" },
  },
});
const { quick, json = "bench.json", page, only } = values;
if (values.profile !== undefined) await runProfile(values.profile, quick);
else if (values["side-by-side"] || values.growth) {
  const measure = values.growth ? "growth" : "rates";
  await runSideBySide({ measure, quick, json, ...(page && { page }), ...(only && { only: only.split(",") }) });
} else await runEmbedded({ quick, json });
