import { defineConfig, definePlugin } from "@stackyard/core";
import { announce } from "./src/announce.ts";

export default defineConfig({ plugins: [definePlugin({ name: "announce", executors: [announce] })] });
