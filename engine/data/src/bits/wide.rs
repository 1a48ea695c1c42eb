//! The same code for several widths of vectors, chosen when it runs.
//!
//! The build may assume no more than what every processor of its kind has, which for x86-64 is neither POPCNT nor AVX2. A
//! kernel is therefore compiled once more for wider vectors, and a processor that has them runs that copy. All copies come from
//! one source, so they can't differ in what they compute.

/// Defines `$name`, which runs `$body` compiled for the widest vectors that the processor has. What the body calls must be
/// `#[inline(always)]` to be compiled along with it.
macro_rules! widened {
    ($(#[$doc:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? = $body:path;) => {
        $(#[$doc])*
        $visibility fn $name($($argument: $type),*) $(-> $result)? {
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            {
                #[target_feature(enable = "avx2,popcnt")]
                fn with_avx2($($argument: $type),*) $(-> $result)? {
                    $body($($argument),*)
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vpopcntdq,popcnt")]
                fn with_avx512($($argument: $type),*) $(-> $result)? {
                    $body($($argument),*)
                }
                use std::arch::is_x86_feature_detected as has;
                if has!("avx512f") && has!("avx512bw") && has!("avx512vl") && has!("avx512vpopcntdq") && has!("popcnt") {
                    // SAFETY: the processor has just been asked for each of the features that the function is compiled for.
                    return unsafe { with_avx512($($argument),*) };
                }
                if has!("avx2") && has!("popcnt") {
                    // SAFETY: as above.
                    return unsafe { with_avx2($($argument),*) };
                }
            }
            $body($($argument),*)
        }
    };
}
pub(super) use widened;
