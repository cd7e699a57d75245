import { definePlugin } from "@stackyard/core";
import { delay } from "./delay.ts";

export default definePlugin({ name: "delay", executors: [delay] });
