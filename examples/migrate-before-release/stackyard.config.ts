import { defineConfig } from "stackyard";

export default defineConfig({ plugins: ["@stackyard/executor-ecs"] });
