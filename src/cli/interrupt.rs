//! SIGINT (Ctrl-C), SIGTERM, SIGHUP and SIGXCPU: they end the process at once, or, during training, after the current step so that
//! a checkpoint can be written. A signal that was ignored when the process started stays ignored, as `nohup` and a script's `&`
//! ask for. SIGABRT, by which an allocation that fails and some drivers end the process, gets its message and exit code.

use crate::error::{Error, Result};
use signal_hook::consts;
use signal_hook::flag::{register, register_conditional_shutdown, register_usize};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

#[cfg(unix)]
const SIGNALS: [i32; 4] = [consts::SIGINT, consts::SIGTERM, consts::SIGHUP, libc::SIGXCPU];
#[cfg(not(unix))]
const SIGNALS: [i32; 2] = [consts::SIGINT, consts::SIGTERM];

/// The signal that has arrived; 0 for none.
static REQUESTED: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);
/// Whether the next signal ends the process.
static AT_ONCE: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// Handles the signals for the lifetime of the process, and says so when one arrives if it `says`; no thread is needed.
pub(super) fn install(says: bool) -> Result<()> {
    for signal in SIGNALS.into_iter().filter(|signal| !is_ignored(*signal)) {
        // The handlers run in this order: the first signal makes the second end the process.
        let registered = register_conditional_shutdown(signal, exit_code(signal), Arc::clone(&AT_ONCE))
            .and_then(|_| if says { say_so(signal) } else { Ok(()) })
            .and_then(|_| register(signal, Arc::clone(&AT_ONCE)))
            .and_then(|_| register_usize(signal, Arc::clone(&REQUESTED), signal as usize));
        registered.map_err(|e| Error::device(format!("cannot handle signal {signal}: {e}")))?;
    }
    #[cfg(unix)]
    {
        explain_aborts();
        // Handled in any way, a file that grows too large is an error of its write.
        let _ = register(libc::SIGXFSZ, Arc::default());
    }
    Ok(())
}

/// Prints what the signal does, in the handler.
#[cfg(unix)]
fn say_so(signal: i32) -> std::io::Result<()> {
    const TEXT: &str = "\nstopping after this step; interrupt again to stop at once\n";
    // SAFETY: the action is one system call, write, which is safe in a signal handler.
    #[expect(unsafe_code, reason = "an action of one's own in a signal handler")]
    let registered = unsafe {
        signal_hook::low_level::register(signal, || {
            libc::write(2, TEXT.as_ptr().cast(), TEXT.len());
        })
    };
    registered.map(drop)
}

#[cfg(not(unix))]
fn say_so(_: i32) -> std::io::Result<()> {
    Ok(())
}

/// Makes an abort say what may help, and end with the exit code of [`Error::Device`].
#[cfg(unix)]
fn explain_aborts() {
    const TEXT: &str = "error: aborted, for lack of memory or by a driver\n\
        hint: try a smaller --batch-size, fewer --threads, or a higher limit of memory (`ulimit -v`)\n";
    // SAFETY: the action makes two system calls, write and _exit, which are safe in a signal handler.
    #[expect(unsafe_code, reason = "an action of one's own in a signal handler")]
    let registered = unsafe {
        signal_hook::low_level::register(consts::SIGABRT, || {
            libc::write(2, TEXT.as_ptr().cast(), TEXT.len());
            signal_hook::low_level::exit(5);
        })
    };
    // Without it an abort is as bare as it was.
    drop(registered);
}

/// Whether the process was started with this signal ignored.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    use std::mem::MaybeUninit;
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: without a new action the call only writes the present one to `action`, which is read where it succeeded.
    #[expect(unsafe_code, reason = "no safe interface tells the action of a signal")]
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(not(unix))]
fn is_ignored(_: i32) -> bool {
    false
}

/// From now on the first signal does not end the process; the caller has to poll [`requested`].
pub(super) fn defer() {
    AT_ONCE.store(false, Ordering::SeqCst);
}

/// The exit code that a signal to stop asks for, once one has arrived.
pub(super) fn requested() -> Option<u8> {
    let signal = REQUESTED.load(Ordering::SeqCst);
    (signal != 0).then(|| exit_code(signal as i32) as u8)
}

/// Takes the exit code of a signal that another process of the job has got.
pub(super) fn request(code: u8) {
    REQUESTED.store(usize::from(code).saturating_sub(128), Ordering::SeqCst);
}

/// Exit code of a run that a signal has ended: 128 and its number, as in a shell.
fn exit_code(signal: i32) -> i32 {
    128 + signal
}
