//! The attack suite: every id of the table, on the real executable, over each transport it concerns.
//!
//! `mcp_testkit::attacks!(machina_bayes::Server);` in `tests/it/main.rs`, beside `suite!`. Each test says
//! in one line what became of its id, from which `cargo xtask attacks` makes `docs/attack-table.md`.

pub mod bridge;
pub mod channel;
pub mod definition;
pub mod front;
pub mod held;
pub mod identity;
pub mod input;
pub mod instance;
pub mod output;
pub mod slow;
pub mod table;
pub mod transport;
pub mod upstream;

use self::channel::Transport;
use crate::TestResult;

/// What became of an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was run, and refused as it should be.
    Run,
    /// This server has nothing to attack there; why.
    NotApplicable(&'static str),
    /// The guard is not there yet; which.
    Pending(&'static str),
}

/// All attacks on a server. Call it once, in `tests/it/main.rs`; a server that hands on what another
/// service says, or gives words for later, adds its [`upstream::Scene`].
#[macro_export]
macro_rules! attacks {
    ($server:ty) => {
        $crate::attacks!($server, $crate::attacks::upstream::Scene::EMPTY);
    };
    ($server:ty, $scene:expr) => {
        #[doc(hidden)]
        static SCENE_OF_THE_ATTACKS: $crate::attacks::upstream::Scene = $scene;

        mod attacks {
            $crate::__attacks! { $server;
                front: tr_01[http], tr_02[http], tr_03[http], tr_04[http], tr_05[http stdio], tr_06[http rest stdio],
                    tr_07[http stdio], tr_16[http], tr_17[http], tr_18[http], tr_19[http rest stdio];
                slow: tr_08[http], tr_09[http], tr_10[http];
                transport: tr_11[http], tr_12[http stdio], tr_13[http stdio], tr_14[stdio], tr_15[http stdio],
                    tr_21[http stdio];
                identity: au_01[http rest], au_02[http], au_03[http], au_04[http], au_05[http], au_06[http], au_07[http rest],
                    au_08[http], au_09[http], au_12[http], au_13[http stdio], au_14[http],
                    au_15[http], au_16[http];
                input: in_01[http rest stdio], in_02[http rest stdio], in_03[http rest stdio], in_04[http rest stdio],
                    in_05[http], in_06[http rest stdio], in_07[http], in_08[http], in_09[http], in_10[http stdio],
                    in_11[http stdio], in_12[http stdio];
                definition: ou_01[stdio];
                output: ou_03[http stdio], ou_04[http], ou_05[http rest stdio], ou_08[http], ou_09[http];
            }
            $crate::__attacks! { @scene $server; transport: tr_20; upstream: ou_02, ou_06, ou_07; held: au_10, au_11 }

            #[test]
            fn what_is_advertised_is_checked() {
                let outcome = $crate::attacks::bridge::advertised_is_checked::<$server>();
                if let Err(error) = outcome {
                    panic!("{error}");
                }
            }

            #[test]
            fn definitions_have_their_hashes() {
                let hashes = $crate::attacks::definition::hashes::<$server>();
                $crate::insta::with_settings!({prepend_module_to_snapshot => false}, {
                    $crate::insta::assert_snapshot!("hashes", hashes);
                });
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __attacks {
    (@scene $server:ty; $($module:ident: $($name:ident),+);+) => {
        $($(
            mod $name {
                #[test]
                fn http() {
                    let scene = &super::super::SCENE_OF_THE_ATTACKS;
                    let attack = $crate::attacks::$module::$name::<$server>(scene);
                    $crate::attacks::drive(stringify!($name), $crate::attacks::channel::Transport::Http, attack);
                }
            }
        )+)+
    };
    ($server:ty; $($module:ident: $($name:ident[$($transport:ident)+]),+;)+) => {
        $($(
            mod $name {


                $(
                    #[test]
                    fn $transport() {
                        let transport = $crate::attacks::channel::Transport::of(stringify!($transport));
                        let attack = $crate::attacks::$module::$name::<$server>(transport);
                        $crate::attacks::drive(stringify!($name), transport, attack);
                    }
                )+
            }
        )+)+
    };
}

/// Run one attack on a runtime of its own and say what became of it.
///
/// # Panics
/// When the server did not withstand it.
#[expect(clippy::print_stdout, reason = "a test's output, which `cargo xtask attacks` reads")]
pub fn drive(name: &str, transport: Transport, attack: impl Future<Output = TestResult<Outcome>>) {
    let id = name.to_ascii_uppercase().replace('_', "-");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = runtime.expect("a runtime").block_on(attack);
    let said = match &outcome {
        Ok(Outcome::Run) => "run".to_owned(),
        Ok(Outcome::NotApplicable(why)) => format!("not applicable: {why}"),
        Ok(Outcome::Pending(what)) => format!("pending: {what}"),
        Err(_) => "FAILED".to_owned(),
    };
    println!("attack {id} {} {said}", transport.name());
    if let Err(error) = outcome {
        panic!("{id}: {error}");
    }
}
