#!/usr/bin/env node
// The launcher of the stand-in: the same entry name as the real package has in every release.
import { enableCompileCache } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

enableCompileCache?.(join(tmpdir(), "node-compile-cache", "openclaw", "stand-in")); // a folder of its own, as the real launcher
await import("./dist/index.js");
