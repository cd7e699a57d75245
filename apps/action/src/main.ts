import { runAction } from "./run-action.ts";

const stopping = new AbortController();
// A job that is cancelled gets SIGINT, and 7.5 s later SIGTERM ("Workflow cancellation reference", GitHub Actions).
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());

process.exitCode = await runAction(process.env, stopping.signal);
