import { createTaskRunner } from "@stackyard/runtime";
import { announce } from "./src/announce.ts";

/** `handler` is what Lambda calls; `main` is the container. */
export const { handler, main } = createTaskRunner({ environment: process.env, executors: [announce] });
