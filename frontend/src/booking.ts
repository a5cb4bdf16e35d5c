// The booking page. Everything works without this; with it nothing blinks, and what others do is seen.
import { tellHeight } from "./framed";
import { keepHold } from "./held";
import { refuseFaded, watchTimes } from "./live";
import { start } from "./page";
import { solveProof } from "./proof";
import { showOwnTimes } from "./zones";

keepHold();
watchTimes();
refuseFaded();
showOwnTimes();
solveProof();
tellHeight();
start();
