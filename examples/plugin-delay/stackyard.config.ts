import { defineConfig } from "stackyard";
import delay from "./src/index.ts";

export default defineConfig({ plugins: [delay] });
