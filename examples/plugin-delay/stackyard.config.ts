import { defineConfig } from "@stackyard/core";
import delay from "./src/index.ts";

export default defineConfig({ plugins: [delay] });
