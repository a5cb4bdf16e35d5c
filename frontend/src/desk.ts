// The desk. The board is mounted here.
import { workingButtons } from "./forms";

workingButtons(document);
