import { createTaskRunner } from "@stackyard/runtime";
import { announce } from "./src/announce.ts";

/** Lambda invokes `handler`; `main` is the container. */
export const { handler, main } = createTaskRunner({ environment: process.env, executors: [announce] });
