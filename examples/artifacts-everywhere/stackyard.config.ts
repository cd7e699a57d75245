import { defineConfig } from "@stackyard/core";

export default defineConfig({ plugins: ["@stackyard/executor-lambda"] });
